"""Reading fields that do not end at byte borders: H.264 parameter sets, AAC configuration."""

from relay.errors import FormatError

MAX_LEADING_ZEROS = 32
"""ue(v) holds at most 2^32 - 2 (H.264, 9.1): more zeros are an attack or noise."""


class BitReader:
    """A cursor over bytes, most significant bit first.

    Every read moves forward and ends in FormatError behind the last bit, so a parser that only
    reads is bounded by its input.
    """

    def __init__(self, data: bytes, what: str) -> None:
        """Read `data`; `what` names it in errors."""
        self._data = data
        self._what = what
        self._position = 0
        self._end = 8 * len(data)

    @property
    def bits_left(self) -> int:
        """How many bits are still unread."""
        return self._end - self._position

    def read(self, bits: int) -> int:
        """The next `bits` bits as an unsigned number; u(n) in H.264, 7.2."""
        start = self._position
        end = start + bits
        if end > self._end:
            raise FormatError(f"{self._what} is truncated")
        self._position = end
        last = (end + 7) // 8
        value = int.from_bytes(self._data[start // 8 : last], "big")
        return value >> (8 * last - end) & ((1 << bits) - 1)

    def flag(self) -> bool:
        """The next bit; u(1)."""
        return self.read(1) == 1

    def skip(self, bits: int) -> None:
        """Pass over `bits` bits."""
        if bits > self.bits_left:
            raise FormatError(f"{self._what} is truncated")
        self._position += bits

    def unsigned(self, maximum: int, field: str) -> int:
        """An Exp-Golomb number from 0 to `maximum`; ue(v) in H.264, 9.1."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > MAX_LEADING_ZEROS:
                raise FormatError(f"{self._what}: {field} is too large")
        value = (1 << zeros) - 1 + self.read(zeros)
        if value > maximum:
            raise FormatError(f"{self._what}: {field} is {value}, above {maximum}")
        return value

    def signed(self, field: str) -> int:
        """A signed Exp-Golomb number; se(v) in H.264, 9.1.1."""
        value = self.unsigned((1 << 32) - 1, field)
        return (value + 1) // 2 if value % 2 else -(value // 2)
