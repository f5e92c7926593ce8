"""Fails a test that calls out: sockets may reach this machine and no other."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest


class NetworkForbidden(RuntimeError):
    """A test, or what it tests, tried to reach another machine."""


def is_local(host: object) -> bool:
    """Whether `host` is this machine, by name or number; no lookup is made."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _network_watch() -> Iterator[None]:
    """Refuse at once; and again in the end, in case the refusal was caught and passed over."""
    attempts: list[str] = []

    def refuse_unless_local(host: object) -> None:
        if not is_local(host):
            attempts.append(str(host))
            raise NetworkForbidden(f"a test tried to reach {host}")

    with pytest.MonkeyPatch.context() as monkeypatch:
        _patch(monkeypatch, refuse_unless_local)
        yield
    if attempts:
        pytest.fail(f"network: tried to reach {', '.join(attempts)}", pytrace=False)


def _patch(monkeypatch: pytest.MonkeyPatch, check: Any) -> None:
    look_up = socket.getaddrinfo

    def checked_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None:
            check(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", checked_look_up)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _checked(getattr(socket.socket, name), check))


def _checked(connect: Any, check: Any) -> Any:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        return connect(self, address)

    return checked
