"""What types cannot say."""

from pathlib import Path
from typing import Any

import pytest

from relay.config.check import MAY_BE_ZERO
from relay.config.load import load_config
from relay.config.tree import SETTINGS
from relay.errors import ConfigError

NUMBERS = [path for path, kind in SETTINGS.items() if kind in (int, float)]
LOOPBACK = {"rtmp.listen": "127.0.0.1:0", "http.listen": "[::1]:0"}


def complaint(**overrides: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(overrides={key.replace("__", "."): value for key, value in overrides.items()})
    return str(caught.value)


@pytest.mark.parametrize("path", NUMBERS)
def test_no_time_and_no_size_is_negative(path: str) -> None:
    with pytest.raises(ConfigError, match=rf"`{path}` must be .*, not -1"):
        load_config(overrides={path: -1})


@pytest.mark.parametrize("path", NUMBERS)
def test_only_a_hold_and_a_drain_may_be_nothing(path: str) -> None:
    if path in MAY_BE_ZERO:
        load_config(overrides={path: 0})
        return
    with pytest.raises(ConfigError, match=rf"`{path}` must be more than 0"):
        load_config(overrides={path: 0})


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_time_is_finite(value: float) -> None:
    assert "and finite" in complaint(limits__lag_s=value)


@pytest.mark.parametrize("path", ["rtmp.listen", "http.listen", "http.admin"])
def test_a_listener_needs_an_address(path: str) -> None:
    with pytest.raises(ConfigError, match=f"`{path}`: `` is no address"):
        load_config(overrides={path: ""})


@pytest.mark.parametrize("network", ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"])
def test_a_proxy_is_a_network_or_one_address(network: str) -> None:
    config = load_config(overrides={"http.trusted_proxies": [network]})
    assert config.http.trusted_proxies == (network,)


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "proxy.example.org", "", "1/2/3"])
def test_what_is_no_network_is_refused(network: str) -> None:
    assert "`http.trusted_proxies`" in complaint(http__trusted_proxies=[network])


@pytest.mark.parametrize("source", ["'self'", "'none'", "https://*.example.org:8443/a", "*"])
def test_a_frame_ancestor_is_one_csp_source(source: str) -> None:
    config = load_config(overrides={"http.frame_ancestors": [source]})
    assert config.http.frame_ancestors == (source,)


@pytest.mark.parametrize("source", ["", "a b", "a;script-src", "a,b", "a\r\nSet-Cookie: x", "é"])
def test_no_frame_ancestor_can_add_a_directive_or_a_header(source: str) -> None:
    assert "is no CSP source" in complaint(http__frame_ancestors=[source])


@pytest.mark.parametrize("url", ["", "https://live.example.org", "http://[::1]:8080"])
def test_a_server_can_be_told_what_it_is_called(url: str) -> None:
    assert load_config(overrides={"http.public_url": url}).http.public_url == url


@pytest.mark.parametrize(
    "url",
    ["live.example.org", "https://live.example.org/", "https://Live.example.org", "https://a>;b"],
)
def test_what_a_server_is_called_is_an_origin(url: str) -> None:
    assert "`http.public_url`: write https://HOST" in complaint(http__public_url=url)


@pytest.mark.parametrize(("lease_s", "is_good"), [(1, True), (864_000, True), (0.5, False)])
def test_no_feed_is_pushed_for_more_than_ten_days(lease_s: float, is_good: bool) -> None:
    if is_good:
        assert load_config(overrides={"websub.lease_s": lease_s}).websub.lease_s == lease_s
    else:
        assert "ten days" in complaint(websub__lease_s=lease_s)
    assert "ten days" in complaint(websub__lease_s=864_001)


@pytest.mark.parametrize("origin", ["https://www.example.org", "http://[::1]:3000"])
def test_an_allowed_origin_is_written_as_browsers_write_it(origin: str) -> None:
    config = load_config(overrides={"http.allowed_origins": [origin]})
    assert config.http.allowed_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "www.example.org",
        "https://WWW.example.org",
        "https://a.example/",
        "https://a b",
    ],
)
def test_what_no_browser_calls_an_origin_is_refused(origin: str) -> None:
    assert "is no origin" in complaint(http__allowed_origins=[origin])


@pytest.mark.parametrize("section", ["on_publish", "on_play"])
def test_a_callback_has_a_url_and_names_of_streams(section: str) -> None:
    right = {f"{section}.url": "https://a.example/", f"{section}.streams": ["live/cat", "live/*"]}
    load_config(overrides=right)
    with pytest.raises(ConfigError, match=rf"`{section}\.url` must begin with https://"):
        load_config(overrides={f"{section}.url": "a.example"})
    for streams in ("live", "*", "live/ca*", "live/", "/cat", "live/cat/1"):
        with pytest.raises(ConfigError, match=rf"`{section}\.streams`: `.*` is neither"):
            load_config(overrides={f"{section}.streams": [streams]})


@pytest.mark.parametrize("contact", ["mailto:me@example.org", "https://example.org/contact"])
def test_a_contact_is_a_mailbox_or_a_page(contact: str) -> None:
    assert load_config(overrides={"push.contact": contact}).push.contact == contact


@pytest.mark.parametrize(
    "contact", ["me@example.org", "http://example.org", "mailto:me", "https://"]
)
def test_what_nobody_can_write_to_is_no_contact(contact: str) -> None:
    assert f"`{contact}` is neither mailto:" in complaint(push__contact=contact)


def test_half_a_certificate_is_refused() -> None:
    assert "`tls.certificate` needs `tls.key`" in complaint(tls__certificate="a.pem")
    assert "`tls.key` needs `tls.certificate`" in complaint(tls__key="a.pem")


@pytest.mark.parametrize("path", ["rtmp.tls_listen", "http.tls_listen"])
def test_tls_needs_a_certificate(path: str) -> None:
    with pytest.raises(ConfigError, match=f"`{path}` needs `tls.certificate` and `tls.key`"):
        load_config(overrides={path: "0"})


def test_tls_with_a_certificate_is_right() -> None:
    overrides = {"tls.certificate": "a", "tls.key": "b", "rtmp.tls_listen": "0"}
    assert load_config(overrides=overrides).rtmp.tls_listen == "0"


def test_a_laboratory_stays_on_this_machine() -> None:
    assert load_config(overrides=LOOPBACK | {"auth.publish": "open"}).auth.publish == "open"


@pytest.mark.parametrize("address", ["0", "0.0.0.0:0", "10.0.0.1:0", "[::]:0"])
@pytest.mark.parametrize("path", ["rtmp.listen", "http.listen"])
def test_a_laboratory_refuses_what_other_machines_reach(path: str, address: str) -> None:
    overrides = LOOPBACK | {"auth.publish": "open", path: address}
    with pytest.raises(ConfigError, match=f"`{path}` is .* insist with --yes-open"):
        load_config(overrides=overrides)
    load_config(overrides=overrides | {"auth.yes_open": True})


def test_a_laboratory_counts_its_tls_listeners_as_well() -> None:
    tls = {"tls.certificate": "a", "tls.key": "b", "http.tls_listen": "0"}
    with pytest.raises(ConfigError, match=r"`http\.tls_listen` is `0`"):
        load_config(overrides=LOOPBACK | tls | {"auth.publish": "open"})


def test_the_message_names_the_source_of_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[limits]\nlag_s = -1\n")
    with pytest.raises(ConfigError, match=r"my\.toml: `limits\.lag_s` must be"):
        load_config(file)


@pytest.mark.parametrize(
    ("schemas", "said"),
    [
        ([{"namespace": "a b", "inline": "{}"}], "cannot be the name of a namespace"),
        ([{"namespace": "..", "inline": "{}"}], "cannot be the name of a namespace"),
        ([{"namespace": "a"}], "needs a schema"),
        ([{"namespace": "a", "inline": "{}", "file": "a.json"}], "needs a schema"),
        ([{"namespace": "a", "inline": "{}"}] * 2, "one schema, and not several"),
    ],
)
def test_a_namespace_of_settings_has_a_name_and_one_schema(
    schemas: list[dict[str, str]], said: str
) -> None:
    assert said in complaint(settings__schemas=schemas)


def test_a_schema_of_settings_stands_in_the_file_or_beside_it() -> None:
    schemas = [{"namespace": "a", "inline": "{}"}, {"namespace": "b", "file": "b.json"}]
    config = load_config(overrides={"settings.schemas": schemas})
    assert [each.namespace for each in config.settings.schemas] == ["a", "b"]
