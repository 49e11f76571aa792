from relay.simulator.faults import Delay, Drop, Fault, Script


def fault(operation, then, times=1):
    return Fault(operation=operation, times=times, then=then)


def test_faults_are_taken_in_order_by_their_operation():
    script = Script()
    script.add(fault("SendEmail", Delay(1.0)))
    script.add(fault("*", Drop("before"), times=2))
    assert script.take("GetAccount") == Drop("before")
    assert script.take("SendEmail") == Delay(1.0)
    assert script.pending() == (fault("*", Drop("before")),)
    assert script.take("SendEmail") == Drop("before")
    assert script.take("SendEmail") is None


def test_the_script_is_bounded_and_clears():
    script = Script(most=1)
    assert script.add(fault("*", Drop("after"))) is None
    assert script.add(fault("*", Drop("after"))) == (
        "1 faults are scripted already; DELETE them first"
    )
    script.clear()
    assert script.take("SendEmail") is None
