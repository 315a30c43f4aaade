"""Who is measured: Relay, and Debian's nginx with nchan, which does nothing but this.

nchan runs as its manual shows it, in one process, with room for enough connections.
"""

import os
import sys
from pathlib import Path

from benchmarks.servers import HOST, ServerUnderTest

SECRET = "the secret of every subscriber's token, for measuring"
CHANNEL = "bench:%"
_RELAY = """\
[[channels.namespaces]]
name = "bench"
subscribe = "guest"
publish = "anyone"
publishes_per_s = 10000
"""
_NCHAN = """\
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {descriptors}; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {host}:8090;
        nchan_channel_id $arg_id;
        nchan_message_buffer_length 100;
        location = /sub {{ nchan_subscriber websocket; }}
        location = /pub {{ nchan_publisher http; }}
    }}
}}
"""


def _relay(folder: Path) -> list[str]:
    (folder / "relay.toml").write_text(_RELAY)
    (folder / "secret").write_text(SECRET)
    listen = ("--rtmp", f"{HOST}:1935", "--http", f"{HOST}:8080", "--admin", f"{HOST}:8081")
    serve = ["-m", "relay", "serve", "--config", "relay.toml", "--data", "data"]
    return ["env", "RELAY_AUTH_TOKEN_SECRET_FILE=secret", sys.executable, *serve, *listen]


def _nchan(folder: Path) -> list[str]:
    descriptors = os.sysconf("SC_OPEN_MAX") - 64
    (folder / "nginx.conf").write_text(_NCHAN.format(host=HOST, descriptors=descriptors))
    return ["/usr/sbin/nginx", "-p", str(folder), "-c", "nginx.conf"]


RELAY = ServerUnderTest(
    "Relay",
    "",
    {"messages": f"ws://{HOST}:8080/connection/websocket"},
    (1935, 8080, 8081),
    _relay,
)
NCHAN = ServerUnderTest(
    "nchan",
    f"http://{HOST}:8090/pub?id=%",
    {"messages": f"ws://{HOST}:8090/sub?id=%"},
    (8090,),
    _nchan,
)
