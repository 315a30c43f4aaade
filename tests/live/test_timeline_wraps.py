"""A publisher's clock comes round to 0, and nobody notices."""

import pytest

from relay.live.timeline import Repair, Timeline
from relay.packet import Codec, Kind, Packet

CODECS = {Kind.AUDIO: Codec.AAC, Kind.VIDEO: Codec.AVC}


def placed(timeline: Timeline, kind: Kind, time: int) -> int:
    packet = Packet(kind, CODECS[kind], time, time, False, False, b"")
    timeline.place(packet)
    return packet.dts


@pytest.mark.parametrize("bits", [31, 32])
def test_a_wrap_moves_nothing(bits: int) -> None:
    wrap = 1 << bits
    times = [(Kind.VIDEO, 0), (Kind.AUDIO, 7), (Kind.VIDEO, 33), (Kind.AUDIO, 28), (Kind.VIDEO, 67)]
    for before in range(70):
        timeline = Timeline()
        timeline.begin_run([(wrap - before + time) % wrap for _, time in times[:2]])
        found = [placed(timeline, kind, (wrap - before + time) % wrap) for kind, time in times]
        assert found == [time for _, time in times]
        assert not any(timeline.repairs.values())


def test_a_real_jump_of_24_days_is_still_repaired() -> None:
    timeline = Timeline()
    timeline.begin_run([0])
    assert placed(timeline, Kind.VIDEO, 0) == 0
    assert placed(timeline, Kind.VIDEO, (1 << 31) - 60_000) == 33
    assert timeline.repairs[Repair.JUMP] == 1
