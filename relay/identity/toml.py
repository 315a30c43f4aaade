"""Writing TOML, as little of it as `keys.toml` needs: tables of texts and truths (TOML 1.0)."""

from collections.abc import Mapping

# A basic string may hold everything but these (TOML 1.0, "String").
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x20), 0x7F)}
_ESCAPES |= {ord('"'): '\\"', ord("\\"): "\\\\"}


def table(name: str, values: Mapping[str, str | bool | None]) -> str:
    """One element of an array of tables.  TOML knows no null: what is None is left out."""
    lines = [f"{key} = {_value(value)}\n" for key, value in values.items() if value is not None]
    return f"[[{name}]]\n{''.join(lines)}"


def _value(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value.translate(_ESCAPES)}"'
