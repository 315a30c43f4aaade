"""The one client by which everything leaves.

    URL --> parse --> a place at its host --> resolve --> judge --> dial *that* address --> exchange

A name is resolved once, its addresses are judged, and the connection goes to one of those that were
judged.  Whoever looks a name up, finds it good and hands the *name* to a library has it looked up a
second time, and a hostile name server answers that with 127.0.0.1 (DNS rebinding).  The certificate
is still that of the name.  No redirect is followed: it would lead past all of this.

A request has a connection of its own, unless whoever asks keeps one on a `Line`.  Receivers of
webhooks are asked now and then, and one that keeps idle connections of thousands of hosts is a file
descriptor's way to waste itself; and so the state between two requests to one host is a number: how
many are under way.  That is bounded, and who finds no place waits in a bounded queue: a host that
hangs holds four connections and nobody else's.

It is h11 and not an HTTP library above: what such libraries are good at (pools, redirects, proxies,
cookies) is what must not happen here, and their way to connect is not made for an address that
was decided beforehand.  What remains is a hundred lines, which tests drive without a network, and
which take 0.5 to 0.8 ms of CPU for a request where httpx2 takes 1.5 to 2.0.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs
import trio

from relay.config.schema import OutboundConfig
from relay.errors import CertificateRefused, WireBroken
from relay.outbound.addresses import Address, Network, networks, refusal
from relay.outbound.exchange import Answer, Exchange, Fields
from relay.outbound.failures import Failure, Forbidden, OutboundError, Unanswered
from relay.outbound.line import Line
from relay.outbound.url import Target, parse_url
from relay.ports import Link, Outside

MOST_ADDRESSES = 3
"""Of one name that are tried."""
CONNECT_S = 5.0
"""For each of them."""
READ_BYTES = 16 * 1024


@attrs.frozen(kw_only=True)
class OutboundStatistics:
    """A snapshot for metrics and tests."""

    active: int
    """Requests under way."""
    waiting: int
    """Requests that wait for a place at their host."""
    hosts: int
    """Which all of these go to."""
    resolving: int
    """Names being looked up."""
    waiting_to_resolve: int
    answered: int
    """Since the start."""
    failed: dict[str, int]
    """Since the start, by `Failure.label`."""


@attrs.define(eq=False)
class Client:
    """See the head of this module."""

    _config: OutboundConfig
    _outside: Outside
    _allowed: tuple[Network, ...] = attrs.field(init=False)
    _hosts: dict[str, trio.CapacityLimiter] = attrs.field(factory=dict, init=False)
    """Those that somebody asks, or waits to ask."""
    _answered: int = attrs.field(default=0, init=False)
    _failed: Counter[Failure] = attrs.field(factory=Counter, init=False)

    def __attrs_post_init__(self) -> None:
        self._allowed = networks(self._config.allow)

    def check(self, url: str) -> Target:
        """Take a URL apart that is to be asked later, as far as can be judged without asking.

        Raises:
            Forbidden: it never will be.
        """
        target = parse_url(url, allow_http=self._config.allow_http)
        if target.address is not None:
            self._judge([target.address])
        return target

    async def ask(
        self,
        url: str,
        *,
        method: str = "POST",
        fields: Fields = (),
        body: bytes = b"",
        line: Line | None = None,
    ) -> Answer:
        """Send one request, and return what is answered, whatever its status.

        With a `line`, which one task has at a time, its connection is used, and kept there again.

        Raises:
            Forbidden: this URL may not be asked, or leads where nobody may.
            Unanswered: there was no answer, or none in time.
        """
        await trio.lowlevel.checkpoint()
        try:
            target = self.check(url)
            with self._known(target.host) as places:
                if places.statistics().tasks_waiting >= self._config.waiting_per_host:
                    raise Unanswered(Failure.BUSY)
                async with places:
                    answer = await self._in_time(_Request(target, method, fields, body, line))
        except OutboundError as error:
            self._failed[error.failure] += 1
            raise
        self._answered += 1
        return answer

    def statistics(self) -> OutboundStatistics:
        places = [place.statistics() for place in self._hosts.values()]
        resolving, waiting_to_resolve = self._outside.resolving()
        return OutboundStatistics(
            active=sum(place.borrowed_tokens for place in places),
            waiting=sum(place.tasks_waiting for place in places),
            hosts=len(places),
            resolving=resolving,
            waiting_to_resolve=waiting_to_resolve,
            answered=self._answered,
            failed={failure.label: count for failure, count in self._failed.items()},
        )

    @contextmanager
    def _known(self, host: str) -> Iterator[trio.CapacityLimiter]:
        """The places at a host, which is forgotten when nobody asks it any more."""
        places = self._hosts.get(host)
        if places is None:
            places = self._hosts[host] = trio.CapacityLimiter(self._config.connections_per_host)
        try:
            yield places
        finally:
            now = places.statistics()
            if not now.borrowed_tokens and not now.tasks_waiting:
                self._hosts.pop(host, None)

    async def _in_time(self, request: "_Request") -> Answer:
        with trio.move_on_after(self._config.total_s):
            if (answer := await self._on_line(request)) is not None:
                return answer
            addresses = await self._addresses(request.target)
            link = await self._dial(request.target, addresses)
            return await self._exchange(self._begin(request), link, request)
        raise Unanswered(Failure.TIMED_OUT, f"more than {self._config.total_s:g} s")

    async def _on_line(self, request: "_Request") -> Answer | None:
        """The answer on the connection that is kept; None where that is of no use."""
        link = None if request.line is None else request.line.take(request.target)
        if link is None:
            return None
        exchange = self._begin(request)
        try:
            return await self._exchange(exchange, link, request)
        except Unanswered:
            if exchange.has_begun:
                raise
            # The other side has closed it meanwhile, which is no failure (RFC 9112, 9.3.1).
            return None

    def _begin(self, request: "_Request") -> Exchange:
        return Exchange(
            request.target,
            request.method,
            request.fields,
            request.body,
            self._config.answer_bytes,
            keeps=request.line is not None,
        )

    async def _addresses(self, target: Target) -> Sequence[Address]:
        """Those that may be asked, the best first; at least one."""
        if target.address is not None:
            return [target.address]
        try:
            found = await self._outside.resolve(target.host)
        except OSError as error:
            raise Unanswered(Failure.UNRESOLVED, str(error)) from error
        return self._judge([ipaddress.ip_address(text) for text in found])

    def _judge(self, addresses: Sequence[Address]) -> Sequence[Address]:
        refusals = {address: refusal(address, self._allowed) for address in addresses}
        good = [address for address, refused in refusals.items() if refused is None]
        if good:
            return good[:MOST_ADDRESSES]
        for refused in refusals.values():
            assert refused is not None
            raise Forbidden(refused)
        raise Unanswered(Failure.UNRESOLVED)

    async def _dial(self, target: Target, addresses: Sequence[Address]) -> Link:
        tls_name = target.host if target.is_tls else None
        error: OutboundError = Unanswered(Failure.UNREACHABLE)
        for address in addresses:
            try:
                with trio.fail_after(CONNECT_S):
                    return await self._outside.dial(str(address), target.port, tls_name=tls_name)
            except CertificateRefused as refused:
                error = Unanswered(Failure.CERTIFICATE, str(refused))
            except WireBroken as broken:
                error = Unanswered(Failure.UNREACHABLE, str(broken))
            except trio.TooSlowError:
                error = Unanswered(Failure.UNREACHABLE, f"not within {CONNECT_S:g} s")
        raise error

    async def _exchange(self, exchange: Exchange, link: Link, request: "_Request") -> Answer:
        is_kept = False
        try:
            await link.send_all(exchange.request())
            while (answer := exchange.receive(await link.receive_some(READ_BYTES))) is None:
                pass
            if request.line is not None and exchange.goes_on:
                request.line.keep(request.target, link)
                is_kept = True
        except WireBroken as error:
            raise Unanswered(Failure.BROKEN, str(error)) from error
        finally:
            if not is_kept:
                link.close()
        return answer


@attrs.frozen
class _Request:
    target: Target
    method: str
    fields: Fields
    body: bytes
    line: Line | None
