"""Every setting, its unit and its default.  `examples/relay.toml` says the same to operators."""

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class RtmpConfig:
    """Where encoders connect."""

    listen: str = "1935"
    """`PORT` or `HOST:PORT`; port 0 takes a free one."""
    tls_listen: str = ""
    """RTMPS, when `[tls]` is configured; empty for none."""


@attrs.frozen(kw_only=True)
class HttpConfig:
    """Where viewers and the operator connect."""

    listen: str = "8080"
    tls_listen: str = ""
    """HTTPS, when `[tls]` is configured; empty for none."""
    admin: str = "127.0.0.1:8081"
    """The operator's listener: metrics, readiness and every route."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) whose word on the client's address is taken."""
    frame_ancestors: tuple[str, ...] = ("'self'",)
    """Who may frame `/embed/...`: CSP sources (CSP3, 6.4.2.1)."""
    allowed_origins: tuple[str, ...] = ()
    """Sites (`https://HOST`) whose pages may use the whole API, with tokens."""
    public_url: str = ""
    """What others call this server, as `https://HOST`; empty for whatever each of them says."""


@attrs.frozen(kw_only=True)
class TlsConfig:
    """A certificate for RTMPS and HTTPS; PEM files."""

    certificate: str = ""
    key: str = ""


@attrs.frozen(kw_only=True)
class AuthConfig:
    """Who may publish, and whose word on users is taken."""

    publish: str = "key"
    """`key`, or `open` for laboratories and tests: the key is the name."""
    yes_open: bool = False
    """Let `open` listen where other machines reach it."""
    token_secret_file: str = ""
    """The secret that the site signs its users' tokens with (HS256); empty for our own."""
    jwks_file: str = ""
    """Public keys of the site's tokens, as a JWK Set (RFC 7517); empty for none."""
    token_issuer: str = ""
    """What `iss` of the site's tokens must be; empty for anything."""
    token_audience: str = ""
    """What `aud` of the site's tokens must name; empty for anything."""


@attrs.frozen(kw_only=True)
class MediaConfig:
    """How broadcasts behave."""

    hold_s: float = 30.0
    """How long viewers stay when the publisher is gone."""
    gop_bytes: int = 16 * 1024 * 1024
    gop_s: float = 20.0
    """A GOP above either bound is not kept for newcomers."""
    rewind_s: float = 600.0
    """How far back a broadcast that is watched can be rewound: how long HLS playlists are."""
    rewind_memory_bytes: int = 256 * 1024 * 1024
    """What of that is in memory, of all broadcasts; the rest is on disk under `data`."""


@attrs.frozen(kw_only=True)
class RecordingRuleConfig:
    """Streams that are recorded by themselves."""

    streams: tuple[str, ...]
    """`APP/NAME` or `APP/*`; the first rule that names a stream is its rule."""
    keep_s: float = 0.0
    """How long a recording stays; 0 for as long as nobody deletes it."""
    keep_bytes: int = 0
    """What the recordings of one stream may take, the oldest go first; 0 for whatever there is."""


@attrs.frozen(kw_only=True)
class RecordingConfig:
    """Broadcasts that are kept."""

    directory: str = ""
    """Where; empty for `recordings` in the data directory."""
    rules: tuple[RecordingRuleConfig, ...] = ()
    keep_s: float = 0.0
    """As in a rule, for streams that no rule names; they are recorded when somebody asks for it."""
    keep_bytes: int = 0
    free_bytes: int = 1024 * 1024 * 1024
    """With less room than this on the disk nothing is recorded; broadcasts go on."""
    clip_s: float = 600.0
    """The longest clip."""


@attrs.frozen(kw_only=True)
class NamespaceConfig:
    """What channels of one kind have in common.

    Who may is one of `anyone`, `guest`, `user`, `owner` (whose `sub` is the rest of the channel's
    name), `pair` (two users, whose `sub`s are), `member` (whose token names the channel in
    `rooms`), `operator` and `nobody`.
    """

    name: str
    """What stands before the colon in `NAME:REST`; empty for channels without one."""
    durable: bool = False
    """Whether publications are in the store before they are acknowledged."""
    history: int = 100
    """Publications kept."""
    history_s: float = 300.0
    """How long they are kept; 0 for as long as there is room."""
    history_bytes: int = 4 * 1024 * 1024
    """What they may take in memory."""
    presence: bool = False
    """Whether subscribers can ask who else is there."""
    join_leave: bool = False
    """Whether they are told who comes and goes."""
    subscribe: str = "user"
    """Who may follow and read."""
    publish: str = "operator"
    """Who may add."""
    publishes_per_s: float = 20.0
    """From one connection, over ten seconds; the operator is not bounded."""
    message_bytes: int = 64 * 1024


@attrs.frozen(kw_only=True)
class ChannelsConfig:
    """Messages: everything live that is no picture."""

    namespaces: tuple[NamespaceConfig, ...] = ()
    """Beside the built-in ones, or instead of those of the same name."""
    open_channels: int = 100_000
    """In memory at once; more are refused."""
    idle_s: float = 60.0
    """How long one stays in memory that nobody follows and that keeps nothing."""
    live_views: int = 1000
    """Different ones at once; more are refused."""


@attrs.frozen(kw_only=True)
class ChatConfig:
    """Rooms, and what is said in them."""

    text_characters: int = 1000
    """Of one message."""
    change_s: float = 900.0
    """How long its author may edit or delete a message."""
    rooms: int = 10_000
    """That the site makes; more are refused."""
    rooms_per_user: int = 500
    """In which it is kept how far one user has read."""
    moderators_per_room: int = 100
    bans_per_room: int = 10_000
    """Timeouts among them."""
    bans: int = 200_000
    """In all rooms; each takes some 300 bytes of memory."""
    audit_entries: int = 10_000
    """Of what moderators have done in one room; the oldest are forgotten."""


@attrs.frozen(kw_only=True)
class StoreConfig:
    """Where what must outlive the process is kept."""

    url: str = attrs.field(default="", repr=False)
    """`postgresql://...`, or `memory:` for nothing at all; empty for a file in the data directory.
    """


@attrs.frozen(kw_only=True)
class OutboundConfig:
    """How Relay calls others: webhooks, and whatever else leaves."""

    allow: tuple[str, ...] = ()
    """Networks (CIDR) that may be asked although they are nobody's in public."""
    allow_http: bool = False
    """Whether to ask without TLS, too."""
    ca_file: str = ""
    """Certificates (PEM) to trust beside the system's; empty for none."""
    total_s: float = 15.0
    """From looking up the name to the end of the answer."""
    connections_per_host: int = 4
    waiting_per_host: int = 64
    """Requests that wait for such a connection; more fail."""
    answer_bytes: int = 64 * 1024
    """Of an answer's body; the rest is not read."""


@attrs.frozen(kw_only=True)
class NotifyConfig:
    """What is announced of streams, and how other sites' systems are told."""

    source: str = "/relay"
    """What events say they come from (CloudEvents `source`): a URI, or a path."""
    stable_s: float = 3.0
    """How long a broadcast is live without a break before it is announced."""
    grace_s: float = 30.0
    """How long it is gone before its end is announced; who returns before has never been away."""
    webhooks: int = 256
    """Endpoints; more are refused."""
    secret_overlap_s: float = 86_400.0
    """How long the former secret of an endpoint signs beside a new one."""
    keep_s: float = 2_592_000.0
    """How long events, and what became of their deliveries, can be looked at."""


@attrs.frozen(kw_only=True)
class WebsubConfig:
    """Those who have the feeds of streams pushed to them; anybody may."""

    lease_s: float = 864_000.0
    """How long a subscription lasts at most, before it must be renewed."""
    subscriptions: int = 2000
    """To all feeds; more are refused."""
    subscriptions_per_host: int = 100
    """With callbacks at one host."""
    requests_per_host: int = 2
    """Under way at once, to callbacks at one host."""
    requests_per_minute: int = 30
    """To subscribe or unsubscribe: from one address, and with callbacks at one host."""


@attrs.frozen(kw_only=True)
class PushConfig:
    """Web Push: notifications on the devices of those who follow a stream."""

    contact: str = ""
    """Whom push services write to, `mailto:...` or `https://...`; empty for `http.public_url`."""
    per_s: float = 100.0
    """Pushes of all streams together, so that an audience does not arrive in one second."""
    ttl_s: float = 14_400.0
    """How long it is news that a broadcast has begun."""
    devices_per_user: int = 8
    """Those that were seen last are kept."""


@attrs.frozen(kw_only=True)
class SettingsSchemaConfig:
    """What the settings of one namespace must be like, and what they are by default."""

    namespace: str
    file: str = ""
    """A JSON Schema, 2020-12 unless it says otherwise."""
    inline: str = ""
    """The same, written here; either this or `file`."""


@attrs.frozen(kw_only=True)
class SettingsConfig:
    """What users, and guests, keep here: JSON documents, by namespace."""

    document_bytes: int = 16 * 1024
    """Of one, written as compactly as JSON can be."""
    user_bytes: int = 64 * 1024
    """Of all of one user's."""
    namespaces: int = 32
    """Documents of one user."""
    depth: int = 16
    """How deep lists and objects may stand within each other."""
    versions: int = 10
    """Of each document that are kept, the newest included."""
    changes_per_minute: int = 120
    """By one user; the operator is not bounded."""
    schemas: tuple[SettingsSchemaConfig, ...] = ()
    """Namespaces without one may hold any object."""


@attrs.frozen(kw_only=True)
class CallbackConfig:
    """How the site is asked whether somebody may."""

    url: str = attrs.field(default="", repr=False)
    """Where; empty to ask nobody."""
    secret_file: str = ""
    """Secrets that sign the questions; empty for `DATA/callback-secret`, made on first run."""
    streams: tuple[str, ...] = ()
    """`APP/NAME` or `APP/*`, for which it is asked; empty for all."""
    deadline_s: float = 5.0
    """For an answer, and at most as long again for a place."""
    fail_open: bool = False
    """Whether they may where the site does not answer."""
    at_once: int = 128
    """Questions under way."""
    waiting: int = 4096
    """Questions that wait for a place; more fail."""


@attrs.frozen(kw_only=True)
class Limits:
    """What hostile or broken peers run into.  Seconds and bytes unless a name says otherwise."""

    handshake_s: float = 10.0
    """From the first byte of a connection to `publish`, `play`, or a whole HTTP request head."""
    first_packet_s: float = 10.0
    """From `Publish.Start` to the first decodable packet."""
    publisher_idle_s: float = 15.0
    request_s: float = 10.0
    keep_alive_s: float = 60.0
    long_poll_s: float = 30.0
    """How long a poll of a durable stream is held that has nothing to answer."""
    ping_s: float = 25.0
    """How often WebSocket peers are pinged; as long again for the pong."""
    stalled_s: float = 30.0
    """A viewer that takes nothing for so long is disconnected."""
    rtmp_message_bytes: int = 8 * 1024 * 1024
    rtmp_chunk_streams: int = 64
    amf_depth: int = 16
    amf_bytes: int = 64 * 1024
    http_header_bytes: int = 16 * 1024
    http_target_bytes: int = 8 * 1024
    http_body_bytes: int = 1024 * 1024
    ws_message_bytes: int = 64 * 1024
    ws_frames_per_s: int = 100
    """From one WebSocket peer, over ten seconds; a player sends one now and then."""
    command_bytes: int = 128 * 1024
    """One message of a Centrifugo client; it may hold many commands."""
    commands_per_s: int = 1000
    """From one such client; what is too much waits for the next second."""
    unacknowledged_publishes: int = 256
    """From one such client; over that its commands wait unread."""
    subscriptions: int = 256
    """Of one such client."""
    history_publications: int = 1000
    """In one answer to a question for history."""
    reply_bytes: int = 1_000_000
    """Publications in one reply; some clients take no message above a mebibyte."""
    expired_grace_s: float = 25.0
    """How long a connection or a subscription outlives its token, for another one to come."""
    before_publish_bytes: int = 128 * 1024
    """From one RTMP peer before it plays, or each time publishes; it needs some five thousand."""
    player_bytes_per_s: int = 2048
    """From one RTMP player, over ten seconds: acknowledgements, and now and then a command."""
    publisher_bits_per_s: int = 50_000_000
    lag_bytes: int = 8 * 1024 * 1024
    """Queued for one viewer before its pieces are dropped up to the next keyframe."""
    lag_s: float = 4.0
    """Age of the oldest queued piece before the same happens."""
    lags_per_minute: int = 12
    """A viewer that falls behind more often is disconnected."""
    connections_per_address: int = 256
    """That follow no feed yet and have shown no identity."""
    wrong_keys_per_minute: int = 10
    """From one address, before every key from it is refused for a minute."""
    poll_sessions: int = 20_000
    """Of `/rpc`, at once."""
    poll_sessions_per_address: int = 256
    poll_subscriptions: int = 32
    """Views that one of them follows."""
    poll_idle_s: float = 60.0
    """One that nobody has polled for so long is over."""
    guests_per_minute: int = 30
    """Guest tokens that one address gets; a school behind NAT is one."""
    follows_per_user: int = 1000
    """Streams that one user, or guest, follows."""
    follow_changes_per_minute: int = 120
    """By one of them; the operator is not bounded."""
    memory_bytes: int = 1024 * 1024 * 1024
    """What queues, logs and unread socket buffers may hold before new viewers are refused."""
    drain_s: float = 8.0
    """How long connections get to end at shutdown."""


@attrs.frozen(kw_only=True)
class Config:
    """The whole tree; `Config()` is what `relay serve` uses without a file."""

    data: Path = Path("relay-data")
    """Keys and other state; made on first run, mode 0700."""
    rtmp: RtmpConfig = RtmpConfig()
    http: HttpConfig = HttpConfig()
    tls: TlsConfig = TlsConfig()
    auth: AuthConfig = AuthConfig()
    media: MediaConfig = MediaConfig()
    recording: RecordingConfig = RecordingConfig()
    channels: ChannelsConfig = ChannelsConfig()
    chat: ChatConfig = ChatConfig()
    store: StoreConfig = StoreConfig()
    outbound: OutboundConfig = OutboundConfig()
    notify: NotifyConfig = NotifyConfig()
    websub: WebsubConfig = WebsubConfig()
    push: PushConfig = PushConfig()
    settings: SettingsConfig = SettingsConfig()
    on_publish: CallbackConfig = CallbackConfig()
    on_play: CallbackConfig = CallbackConfig()
    limits: Limits = Limits()
