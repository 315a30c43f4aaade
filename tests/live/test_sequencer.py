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


def on_air(step: Step) -> str:
    """Which tracks there are from this seam on."""
    assert isinstance(step, Seam)
    shown = {"v": step.tracks.video, "a": step.tracks.audio}
    return "".join(name for name, track in shown.items() if track)


def pictures(start: int, stop: int, step: int = 40, *, every: int = 1000) -> list[Packet]:
    return [video(dts, key=dts % every == 0) for dts in range(start, stop, step)]


def sounds(start: int, stop: int, step: int = 20) -> list[Packet]:
    return [audio(dts) for dts in range(start, stop, step)]


def in_order(*packets: Packet) -> list[Packet]:
    """As an encoder sends them."""
    return sorted(packets, key=lambda packet: packet.dts)


def test_sound_that_no_longer_comes_is_given_up_at_a_keyframe() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, AUDIO, *in_order(*pictures(0, 1000), *sounds(0, 1000)))
    steps = take(made, *pictures(1000, 4000))
    seams = [index for index, step in enumerate(steps) if isinstance(step, Seam)]
    assert [on_air(steps[index]) for index in seams] == ["v"]
    assert told(steps[seams[0] :])[:3] == ["S!", "V2000", "v2040"]
    assert len(steps) == 75 + 1
    assert made.tracks == Tracks(video=TRACKS.video, audio=None)
    assert made.gop.packets[0].dts == 3000
    assert made.dropped == 0


def test_sound_that_comes_again_is_back_at_the_next_keyframe() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, AUDIO, *in_order(*pictures(0, 4000), *sounds(0, 1000)))
    steps = take(made, *in_order(*pictures(4000, 5500), *sounds(4500, 5500)))
    first = next(index for index, step in enumerate(steps) if isinstance(step, Seam))
    assert on_air(steps[first]) == "va"
    assert told(steps[first:])[:3] == ["S!", "V5000", "a5000"]
    assert not any(name.startswith("a") for name in told(steps[:first]))
    assert made.dropped == 25
    assert sum(made.timeline.repairs.values()) == 0


def test_sound_that_was_announced_and_never_comes_is_given_up() -> None:
    made = sequencer(gop_bytes=10_000)
    steps = take(made, VIDEO, AUDIO, *pictures(0, 4000))
    assert [on_air(step) for step in steps if isinstance(step, Seam)] == ["va", "v"]


def test_sound_that_is_always_late_is_there() -> None:
    made = sequencer(gop_bytes=10_000)
    steps = take(made, VIDEO, AUDIO, video(0, key=True), audio(0))
    for dts in range(40, 8000, 40):
        steps += take(made, video(dts, key=dts % 1000 == 0))
        if dts > 2500:
            steps += take(made, audio(dts - 2500))
        else:
            steps += take(made, audio(0))
    assert sum(isinstance(step, Seam) for step in steps) == 1


def test_sound_is_not_given_up_between_keyframes() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, AUDIO, *in_order(*pictures(0, 1000), *sounds(0, 1000)))
    steps = take(made, *pictures(1000, 6000, every=9000))
    assert not any(isinstance(step, Seam) for step in steps)


def test_sound_that_is_new_in_mid_run_comes_with_a_keyframe_and_no_picture_waits() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, *pictures(0, 40))
    take(made, *pictures(40, 500), now=1.0)
    steps = take(made, AUDIO, *in_order(*pictures(520, 1200), *sounds(500, 1200)))
    first = next(index for index, step in enumerate(steps) if isinstance(step, Seam))
    assert on_air(steps[first]) == "va"
    assert told(steps)[:2] == ["v520", "v560"]
    assert told(steps[first:])[:3] == ["S!", "V1000", "a1000"]


def test_a_configuration_without_frames_makes_no_track() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, *pictures(0, 40))
    take(made, *pictures(40, 500), now=1.0)
    assert not any(isinstance(s, Seam) for s in take(made, AUDIO, *pictures(520, 3000)))


def test_a_picture_that_no_longer_comes_is_given_up_and_comes_again() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, AUDIO, *in_order(*pictures(0, 1000), *sounds(0, 1000)))
    steps = take(made, *sounds(1000, 12_000))
    assert [on_air(step) for step in steps if isinstance(step, Seam)] == ["a"]
    again = take(made, *in_order(*pictures(12_040, 14_000), *sounds(12_000, 14_000)))
    first = next(index for index, step in enumerate(again) if isinstance(step, Seam))
    assert on_air(again[first]) == "va"
    assert told(again[first:])[:2] == ["S!", "V13000"]
    assert sum(made.timeline.repairs.values()) == 0


def test_a_picture_that_was_given_up_does_not_take_late_sound_along() -> None:
    """Sound begins and the picture goes: neither waits for the other for ever."""
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, *pictures(0, 40))
    take(made, *pictures(40, 500), now=1.0)
    steps = take(made, AUDIO, *sounds(500, 12_000))
    assert [on_air(step) for step in steps if isinstance(step, Seam)] == ["a"]


def test_a_lost_tracks_configuration_again_changes_nothing_by_itself() -> None:
    made = sequencer(gop_bytes=10_000)
    take(made, VIDEO, AUDIO, *in_order(*pictures(0, 4000), *sounds(0, 1000)))
    assert take(made, AUDIO, MONO) == []
    steps = take(made, *in_order(*pictures(4000, 5100), *sounds(4000, 5100)))
    assert made.tracks == media.tracks_of([VIDEO, MONO])
    assert sum(isinstance(step, Seam) for step in steps) == 1


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
