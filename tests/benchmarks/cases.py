"""Every case: what is compared under which load, and what that shows."""

import attrs
from benchmarks.beside import Arrivals
from benchmarks.case import Case, Row
from benchmarks.load import Load
from benchmarks.pump import Pump
from benchmarks.servers import NGINX, RELAY, RELAY_TLS
from benchmarks.stalled import Stalled

COST = ("cpu_s_per_gb", "core", "gbit_per_s")
LATENCY = ("latency_p50_ms", "latency_p99_ms")
FED = ("fed", "stalled")
MEMORY = ("rss_kb", "pss_kb")
START = ("media_p99_ms", "keyframe_p50_ms", "keyframe_p99_ms")
LOOP = ("passes_per_s", "longest_pause_ms", "lag_p99_ms")
ALL = COST + LATENCY + FED + MEMORY

THEIRS = "nginx-rtmp RTMP"


def relay(watched: str, load: Load) -> Row:
    return Row(label=f"Relay {watched}", server=RELAY, load=load, watched=watched)


def nginx(load: Load) -> Row:
    return Row(label=THEIRS, server=NGINX, load=load, watched="RTMP")


def against_nginx(name: str, shows: str, load: Load, *formats: str) -> Case:
    rows = (*(relay(watched, load) for watched in formats), nginx(load))
    return Case(name=name, shows=shows, rows=rows, figures=ALL, against=THEIRS)


def ingest(label: str, server: str) -> Row:
    under_test = {"Relay": RELAY, "nginx-rtmp": NGINX}[server]
    return Row(label=label, server=under_test, load=PUBLISHERS)


PUBLISHERS = Load(streams=500, kbits=600)
PROBED = attrs.evolve(PUBLISHERS, viewers=20)
TLS = Load(viewers=500)
JOIN = Load(viewers=2000, ramp_s=2)
PATIENT = Load(viewers=500, warm_s=14)
"""The first of these 14 s until everybody has come, the rest for what stalls to get stuck."""
CROWD = Load(viewers=5000, sweep_ms=50)

STALLING = "with 2,000 who stall"
STORM = "with 2,000 who join"
QUIET = "quiet"

_ALL_CASES = (
    against_nginx(
        "one-1000",
        "One stream, 1,000 viewers, 1 Mbit/s: what a gigabyte costs, in three formats.",
        Load(viewers=1000),
        "WS-FLV",
        "HTTP-FLV",
        "WS-fMP4",
    ),
    against_nginx(
        "one-2000",
        "The same with 2,000 viewers: what the pacing saves when the audience grows.",
        Load(viewers=2000),
        "WS-FLV",
        "HTTP-FLV",
    ),
    against_nginx(
        "hundred",
        "100 streams with 10 viewers each, 500 kbit/s: ingest and fan-out in equal parts.",
        Load(viewers=1000, streams=100, kbits=500),
        "WS-FLV",
    ),
    Case(
        name="publishers",
        shows="500 publishers, 600 kbit/s, and nobody or 20 viewers watching: what ingest costs.",
        rows=(
            ingest("Relay", "Relay"),
            Row(label="Relay, 20 watch", server=RELAY, load=PROBED, watched="WS-FLV"),
            ingest("nginx-rtmp", "nginx-rtmp"),
        ),
        figures=("ingest_s_per_gb", "core", "published", "lost", "backlogged", *LATENCY),
        against="nginx-rtmp",
        ratio_of="ingest_s_per_gb",
    ),
    Case(
        name="crowd-8000",
        shows="One stream, 8,000 viewers on one core, Relay alone: how far it goes.",
        rows=(
            Row(
                label="Relay WS-FLV",
                server=RELAY,
                load=attrs.evolve(CROWD, viewers=8000),
                watched="WS-FLV",
                beside=(Pump(),),
            ),
        ),
        figures=(*ALL, *LOOP),
    ),
    Case(
        name="tls-500",
        shows="500 viewers over TLS and without: what encryption adds.",
        rows=(
            Row(label="plain", server=RELAY, load=TLS, watched="WS-FLV"),
            Row(label="TLS", server=RELAY_TLS, load=TLS, watched="WS-FLV"),
        ),
        figures=ALL,
        against="plain",
    ),
    Case(
        name="join-2000",
        shows="2,000 viewers arrive within 2 s: how soon they have a picture.",
        rows=(relay("WS-FLV", JOIN), relay("HTTP-FLV", JOIN), relay("WS-fMP4", JOIN)),
        figures=("connect_p99_ms", *START, *FED),
        seconds=3,
    ),
    Case(
        name="stalled-2000",
        shows="2,000 viewers stop reading for good: what they cost the server, and the others.",
        rows=(
            Row(label=QUIET, server=RELAY, load=PATIENT, watched="HTTP-FLV"),
            Row(
                label=STALLING,
                server=RELAY,
                load=PATIENT,
                watched="HTTP-FLV",
                beside=(Stalled(2000),),
            ),
        ),
        figures=(
            *("growth_mb", "stuck", "kernel_p50_kb", "kernel_max_kb"),
            *COST,
            *LATENCY,
            *FED,
        ),
        against=QUIET,
        ratio_of="latency_p99_ms",
        seconds=8,
    ),
    Case(
        name="storm",
        shows="2,000 viewers join within 2 s while 5,000 watch: what the 5,000 notice.",
        rows=(
            Row(label=QUIET, server=RELAY, load=CROWD, watched="WS-FLV", beside=(Pump(),)),
            Row(
                label=STORM,
                server=RELAY,
                load=CROWD,
                watched="WS-FLV",
                beside=(Arrivals(2000, ramp_s=2), Pump()),
            ),
        ),
        figures=(
            "core",
            *LATENCY,
            *FED,
            *("newcomers", "newcomers_keyframe_p99_ms", *LOOP),
        ),
        against=QUIET,
        ratio_of="latency_p99_ms",
        seconds=6,
    ),
)

CASES = {case.name: case for case in _ALL_CASES}
