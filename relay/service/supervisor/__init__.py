"""Several processes as one relay: a supervisor that owns what there is once, and its workers."""
