import random
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from zeoncrm.ami.framing import MAX_MESSAGE, Framer

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
NAMES = ["Иван Петров", "O'Brien", "", "名前"]
MESSAGES = [f"Event: Newchannel\r\nCallerIDName: {name}\r\nExten: 101".encode() for name in NAMES]
STREAM = GREETING + b"".join(message + b"\r\n\r\n" for message in MESSAGES)


def chunks(stream: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    at = 0
    while at < len(stream):
        size = next(sizes)
        yield stream[at : at + size]
        at += size


def feed_all(framer: Framer, stream: bytes, sizes: Iterator[int]) -> list[bytes]:
    return [message for chunk in chunks(stream, sizes) for message in framer.feed(chunk)]


def test_messages_are_the_same_wherever_the_stream_is_cut_in_two() -> None:
    for cut in range(len(STREAM) + 1):
        framer = Framer()
        assert framer.feed(STREAM[:cut]) + framer.feed(STREAM[cut:]) == MESSAGES


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_messages_are_the_same_whatever_the_sizes_of_the_chunks(rng: random.Random, largest: int) -> None:
    sizes = iter(lambda: rng.randint(1, largest), 0)
    assert feed_all(Framer(), STREAM, sizes) == MESSAGES


def test_a_letter_cut_by_a_chunk_is_kept() -> None:
    cut = STREAM.index("И".encode()) + 1
    framer = Framer()
    messages = framer.feed(STREAM[:cut]) + framer.feed(STREAM[cut:])
    assert "Иван Петров" in messages[0].decode()


def test_the_greeting_is_known_before_the_first_message_is_whole() -> None:
    framer = Framer()
    assert framer.feed(GREETING[:10]) == []
    assert framer.greeting is None
    assert framer.feed(GREETING[10:]) == []
    assert framer.greeting == "Asterisk Call Manager/11.0.0"


def test_every_mixture_of_line_ends_is_understood() -> None:
    for end in (b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n"):
        framer = Framer()
        assert framer.feed(b"Event: A\r\nX: 1" + end + b"Event: B\nX: 2" + end) == [
            b"Event: A\r\nX: 1",
            b"Event: B\nX: 2",
        ]


@given(st.lists(st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n", b"\r\n\r\n\r\n"]), min_size=1), st.data())
def test_mixed_line_ends_and_needless_blank_lines_survive_any_cut(ends: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(b"Event: E%d\r\nX: " % n + end for n, end in enumerate(ends))
    cut = data.draw(st.integers(0, len(stream)))
    framer = Framer()
    assert framer.feed(stream[:cut]) + framer.feed(stream[cut:]) == [b"Event: E%d\r\nX: " % n for n in range(len(ends))]


def test_an_empty_last_value_keeps_its_header() -> None:
    assert Framer().feed(b"Event: A\r\nAccountCode: \r\n\r\n") == [b"Event: A\r\nAccountCode: "]


def test_a_message_without_end_is_dropped_up_to_the_next_blank_line() -> None:
    framer = Framer()
    for _ in range(40):
        assert framer.feed(b"x" * 65536) == []
        assert len(framer._pending) <= MAX_MESSAGE
    assert framer.dropped == 1
    assert framer.feed(b"the rest\r") == []
    assert framer.feed(b"\n\r") == []
    assert framer.feed(b"\nEvent: A\r\n\r\nEvent: B") == [b"Event: A"]
    assert framer.feed(b"\r\n\r\n") == [b"Event: B"]
    assert framer.dropped == 1


def test_a_message_above_the_limit_is_dropped_when_it_comes_in_one_piece() -> None:
    framer = Framer()
    overlong = b"Event: A\r\nX: " + b"x" * MAX_MESSAGE
    assert framer.feed(b"Event: B\r\n\r\n" + overlong + b"\r\n\r\nEvent: C\r\n\r\n") == [b"Event: B", b"Event: C"]
    assert framer.dropped == 1


def test_each_overlong_message_is_counted() -> None:
    framer = Framer()
    for _ in range(3):
        framer.feed(b"x" * (MAX_MESSAGE + 1))
        framer.feed(b"\r\n\r\n")
    assert framer.dropped == 3
    assert framer.feed(b"Event: A\r\n\r\n") == [b"Event: A"]


def test_a_message_at_the_limit_is_kept() -> None:
    message = b"x" * MAX_MESSAGE
    framer = Framer()
    assert framer.feed(message + b"\r\n\r\n") == [message]
    assert framer.dropped == 0


def test_a_long_message_in_small_chunks_is_searched_once() -> None:
    """Counts the bytes that are looked at instead of the time that it takes."""

    class Counting(bytearray):
        searched = 0

        def find(self, needle, start=0, *rest):  # type: ignore[no-untyped-def]
            Counting.searched += len(self) - start
            return super().find(needle, start, *rest)

    framer = Framer()
    framer._pending = Counting()
    for _ in range(4096):
        framer.feed(b"x" * 64)
    assert Counting.searched < 3 * 4096 * 64
