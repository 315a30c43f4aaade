"""From what publishers send to what a session plays."""

import attrs
import pytest
from support import media

from relay.live.gop import GopCache
from relay.live.sequencer import GopLost, Placed, Seam, Sequencer, Step
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks


def configs(**shape: int) -> tuple[Packet, Packet]:
    found = [packet for packet in media.packets(media.flv_file(0.2, **shape)) if packet.is_config]
    video, audio = sorted(found, key=lambda packet: packet.kind is Kind.AUDIO)
    return video, audio


VIDEO, AUDIO = configs()
WIDE = configs(rate=25)[0]
MONO = configs(channels=1)[1]
TRACKS = media.tracks_of([VIDEO, AUDIO])


def video(dts: int, *, key: bool = False) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts, key, False, b"v" * 10)


def audio(dts: int) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, dts, dts, False, False, b"a")


def script(dts: int) -> Packet:
    return Packet(Kind.DATA, Codec.SCRIPT, dts, dts, False, False, b"s")


def sequencer(*, gop_bytes: int = 1000) -> Sequencer:
    made = Sequencer(GopCache(gop_bytes, 20_000))
    made.begin_run()
    return made


def take(made: Sequencer, *packets: Packet, now: float = 0.0) -> list[Step]:
    copies = [attrs.evolve(packet) for packet in packets]
    return [step for packet in copies for step in made.take(packet, now)]


def told(steps: list[Step]) -> list[str]:
    """Steps in short: S for a seam (and whether it changed), v, V for a keyframe, a, s, lost."""
    names = {Kind.VIDEO: "v", Kind.AUDIO: "a", Kind.DATA: "s"}
    found = []
    for step in steps:
        match step:
            case Seam(changed=changed):
                found.append("S!" if changed else "S")
            case Placed(packet, is_resync):
                name = names[packet.kind] + str(packet.dts)
                found.append(name.upper() if is_resync else name)
            case GopLost():
                found.append("lost")
    return found


START = (VIDEO, AUDIO, video(1000, key=True), audio(1010))


def test_a_run_begins_with_a_seam_and_a_keyframe() -> None:
    made = sequencer()
    steps = take(made, *START, video(1040))
    assert told(steps) == ["S!", "V0", "a10", "v40"]
    assert steps[0] == Seam(tracks=TRACKS, metadata={}, changed=True, first=True)
    assert made.edge_ms == 40


def test_the_same_configuration_again_is_nothing_new() -> None:
    made = sequencer()
    take(made, *START)
    assert take(made, VIDEO, AUDIO) == []


def test_a_new_picture_in_mid_run_waits_for_its_keyframe() -> None:
    made = sequencer()
    take(made, *START)
    steps = take(made, WIDE, video(1040), audio(1030), video(1080, key=True), video(1120))
    assert told(steps) == ["S!", "a30", "V80", "v120"]
    assert made.tracks == media.tracks_of([WIDE, AUDIO])
    assert made.dropped == 1
    assert not isinstance(steps[0], Seam) or not steps[0].first


def test_new_sound_in_mid_run_waits_for_a_keyframe_too() -> None:
    made = sequencer()
    take(made, *START)
    steps = take(made, MONO, video(1040), audio(1030), video(1080, key=True))
    assert told(steps) == ["S!", "a30", "V80"]
    assert made.tracks == media.tracks_of([VIDEO, MONO])


def test_sound_alone_changes_without_waiting() -> None:
    made = sequencer()
    take(made, AUDIO, audio(0))
    take(made, audio(1000), now=1.0)
    assert told(take(made, MONO, audio(1020))) == ["S!", "a1020"]


def test_a_broken_configuration_changes_nothing() -> None:
    made = sequencer()
    take(made, *START)
    broken = Packet(Kind.VIDEO, Codec.AVC, 0, 0, False, True, b"\0")
    assert take(made, broken) == []
    assert made.dropped == 1
    assert told(take(made, video(1040))) == ["v40"]


def test_what_comes_back_unchanged_makes_a_seam_without_a_change() -> None:
    made = sequencer()
    take(made, *START)
    made.begin_run()
    steps = take(made, VIDEO, AUDIO, video(77, key=True), video(117))
    assert told(steps) == ["S", "V33", "v73"]
    assert isinstance(steps[0], Seam)
    assert not steps[0].first


def test_a_run_without_sound_drops_stray_sound() -> None:
    made = sequencer()
    take(made, VIDEO, video(0, key=True))
    assert told(take(made, video(40), now=1.0)) == ["S!", "V0", "v40"]
    assert take(made, audio(50)) == []
    assert made.dropped == 1
    assert made.tracks == Tracks(video=TRACKS.video, audio=None)


def test_script_data_happens_now() -> None:
    made = sequencer()
    take(made, *START)
    assert told(take(made, script(0), script(1 << 31))) == ["s10", "s10"]
    assert not made.timeline.repairs[next(iter(made.timeline.repairs))]


def test_a_gop_that_grows_too_large_is_lost_once() -> None:
    made = sequencer(gop_bytes=25)
    take(made, *START)
    assert told(take(made, video(1040), video(1080), video(1120))) == ["v40", "v80", "lost", "v120"]
    assert told(take(made, video(1160, key=True))) == ["V160"]
    assert len(made.gop.packets) == 1


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"encoder": "obs", "width": 1}, {"encoder": "obs"}),
        ({"encoder": "x" * 1000}, {"encoder": "x" * 100}),
        ({"encoder": 7}, {}),
        ({}, {}),
    ],
)
def test_of_metadata_only_the_encoders_name_is_repeated(
    metadata: dict[str, object], kept: dict[str, str]
) -> None:
    made = sequencer()
    made.learn(metadata)
    seam = take(made, *START)[0]
    assert isinstance(seam, Seam)
    assert seam.metadata == kept
