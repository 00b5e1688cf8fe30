from segstudio.core.attention import PAUSE, Attention


def test_time_between_inputs_counts_for_what_is_looked_at() -> None:
    attention = Attention()
    attention.turn_to(1, 0.0)
    attention.take_input(10.0)  # nobody was there before
    attention.take_input(14.0)
    attention.turn_to(2, 16.0)
    attention.take_input(17.0)
    assert attention.take(20.0) == {1: 6.0, 2: 4.0}
    assert attention.take(20.0) == {}


def test_a_pause_ends_the_count_however_often_it_is_asked() -> None:
    attention = Attention()
    attention.turn_to(1, 0.0)
    attention.take_input(0.0)
    asked = [attention.take(20.0), attention.take(40.0), attention.take(5000.0)]
    assert asked == [{1: 20.0}, {1: PAUSE - 20.0}, {}]
    attention.take_input(9000.0)
    assert attention.take(9001.0) == {1: 1.0}


def test_nothing_counts_while_the_window_is_left_or_nothing_is_shown() -> None:
    attention = Attention()
    attention.turn_to(1, 0.0)
    attention.take_input(0.0)
    attention.leave(3.0)
    attention.turn_to(None, 9.0)
    attention.take_input(10.0)
    assert attention.take(15.0) == {1: 3.0}
