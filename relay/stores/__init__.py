"""Where messages are kept: implementations of the store Protocols of `relay.model.ports`."""
