"""Every route, whom it answers, and on which listener.

The public listener has what viewers and sites need.  The operator's listener has all of it, and on
it the operator's own view; it listens on the loopback address unless told otherwise, and what only
tells machines how the server is doing needs no key there.
"""

from relay.http.routing import Route, RouteTable, Who
from relay.notify.websub.topics import HUB_PATH
from relay.server import hls, operator, pages, pictures, recording_routes, sse, viewers, websub
from relay.server.centrifugo import reading as centrifugo
from relay.server.durable import appending, creating, reading, removing
from relay.server.exchange import Answers, Follows, Handler, Plays, Waits, WaitsBriefly
from relay.server.rest import (
    details,
    erasure_routes,
    follows,
    guests,
    moderation_routes,
    openapi,
    openapi_follows,
    openapi_push,
    openapi_settings,
    openapi_streams,
    openapi_webhooks,
    push,
    room_routes,
    settings,
    streams,
    timed_metadata,
    webhooks,
)
from relay.server.rpc import endpoint as rpc
from relay.server.server_api import methods as server_api

_STREAM = "/v1/stream/{channel:path}"
_FOLLOWS = "/api/v1/users/{user}/follows"
_DEVICES = "/api/v1/users/{user}/push-subscriptions"
_SETTINGS = "/api/v1/users/{user}/settings"

_PUBLIC: tuple[Route[Handler], ...] = (
    Route(methods={"GET"}, pattern="/", handler=Answers(pages.home), who=Who.ANYONE),
    Route(
        methods={"GET"}, pattern="/watch/{app}/{name}", handler=Answers(pages.watch), who=Who.ANYONE
    ),
    Route(
        methods={"GET"}, pattern="/embed/{app}/{name}", handler=Answers(pages.embed), who=Who.ANYONE
    ),
    Route(methods={"GET"}, pattern="/static/{name}", handler=Answers(pages.asset), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/sw.js", handler=Answers(pages.service_worker), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/healthz", handler=Answers(operator.health), who=Who.ANYONE),
    Route(
        methods={"POST"},
        pattern="/api/v1/guests",
        handler=Answers(guests.create),
        who=Who.ANYONE,
        about=guests.CREATE,
    ),
    Route(
        methods={"GET"},
        pattern="/api/v1/openapi.json",
        handler=Answers(openapi.describe),
        who=Who.ANYONE,
        about=openapi.DESCRIBE,
    ),
    Route(
        methods={"GET"},
        pattern="/problems/{name}",
        handler=Answers(openapi.explain),
        who=Who.ANYONE,
    ),
    Route(
        methods={"GET"},
        pattern="/api/v1/push/key",
        handler=Answers(push.key),
        who=Who.ANYONE,
        about=openapi_push.KEY,
    ),
    # The user's own, that is: the handler compares.
    Route(
        methods={"GET"},
        pattern=_DEVICES,
        handler=Waits(push.every),
        who=Who.GUEST,
        about=openapi_push.LIST,
    ),
    Route(
        methods={"PUT"},
        pattern=_DEVICES,
        handler=Waits(push.put),
        who=Who.GUEST,
        about=openapi_push.PUT,
    ),
    Route(
        methods={"DELETE"},
        pattern=f"{_DEVICES}/{{subscription}}",
        handler=Waits(push.remove),
        who=Who.GUEST,
        about=openapi_push.REMOVE,
    ),
    # Each command has its own rules: who connects is who its token says.
    Route(
        methods={"GET"},
        pattern="/connection/websocket",
        handler=Follows(centrifugo.websocket),
        who=Who.ANYONE,
    ),
    Route(
        methods={"GET"},
        pattern="/api/v1/streams/{app}/{name}",
        handler=Answers(details.read),
        who=Who.ANYONE,
        about=openapi_streams.READ_DETAILS,
    ),
    # Its owner, that is: the handler knows who that is.
    Route(
        methods={"PATCH"},
        pattern="/api/v1/streams/{app}/{name}",
        handler=Waits(details.edit),
        who=Who.GUEST,
        about=openapi_streams.EDIT_DETAILS,
    ),
    # The user's own, that is: the handler compares.
    Route(
        methods={"GET"},
        pattern=_FOLLOWS,
        handler=Waits(follows.every),
        who=Who.GUEST,
        about=openapi_follows.LIST,
    ),
    Route(
        methods={"GET"},
        pattern=f"{_FOLLOWS}/{{app}}/{{name}}",
        handler=Waits(follows.read),
        who=Who.GUEST,
        about=openapi_follows.READ,
    ),
    Route(
        methods={"PUT"},
        pattern=f"{_FOLLOWS}/{{app}}/{{name}}",
        handler=Waits(follows.put),
        who=Who.GUEST,
        about=openapi_follows.PUT,
    ),
    Route(
        methods={"DELETE"},
        pattern=f"{_FOLLOWS}/{{app}}/{{name}}",
        handler=Waits(follows.remove),
        who=Who.GUEST,
        about=openapi_follows.REMOVE,
    ),
    # The stream's owner's, that is: the handler knows who that is.
    Route(
        methods={"POST"},
        pattern="/api/v1/streams/{app}/{name}/metadata",
        handler=Answers(timed_metadata.tell),
        who=Who.GUEST,
        about=openapi_streams.TELL,
    ),
    Route(
        methods={"GET"},
        pattern="/api/v1/streams/{app}/{name}/followers",
        handler=Waits(follows.followers),
        who=Who.GUEST,
        about=openapi_follows.FOLLOWERS,
    ),
    Route(
        methods={"GET"},
        pattern="/api/v1/streams/{app}/{name}/followers/count",
        handler=Answers(follows.count),
        who=Who.ANYONE,
        about=openapi_follows.COUNT,
    ),
    # What a session shows is for whoever made it.
    Route(methods={"POST"}, pattern="/rpc", handler=Waits(rpc.call), who=Who.ANYONE),
    # The rules of each channel say who may read it and who may add to it.
    Route(methods={"GET"}, pattern="/events", handler=Waits(sse.events), who=Who.ANYONE),
    # Whoever owns the callback is asked, whoever asks.
    Route(methods={"POST"}, pattern=HUB_PATH, handler=Answers(websub.hub), who=Who.ANYONE),
    Route(
        methods={"GET"}, pattern="/{app}/{name}.atom", handler=Waits(websub.feed), who=Who.ANYONE
    ),
    Route(methods={"HEAD"}, pattern=_STREAM, handler=Waits(reading.describe), who=Who.ANYONE),
    Route(methods={"GET"}, pattern=_STREAM, handler=Waits(reading.read), who=Who.ANYONE),
    Route(methods={"PUT"}, pattern=_STREAM, handler=Waits(creating.create), who=Who.ANYONE),
    Route(methods={"POST"}, pattern=_STREAM, handler=Waits(appending.append), who=Who.ANYONE),
    Route(methods={"DELETE"}, pattern=_STREAM, handler=Waits(removing.remove), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/{app}/{name}.flv", handler=Plays(viewers.flv), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/{app}/{name}.mp4", handler=Plays(viewers.mp4), who=Who.ANYONE),
    Route(
        methods={"GET"},
        pattern="/{app}/{name}.m3u8",
        handler=Waits(hls.multivariant),
        who=Who.ANYONE,
    ),
    # Whoever knows the key has been let in.
    Route(
        methods={"GET"},
        pattern="/{app}/{name}/hls/{key}/{file}",
        handler=WaitsBriefly(hls.file),
        who=Who.ANYONE,
    ),
    # For whoever may watch: the handler asks.
    Route(
        methods={"GET"},
        pattern="/{app}/{name}.jpg",
        handler=Waits(pictures.picture),
        who=Who.ANYONE,
    ),
)

# The user's own, too.
_OF_SETTINGS: tuple[Route[Handler], ...] = tuple(
    Route(
        methods={method},
        pattern=f"{_SETTINGS}{path}",
        handler=Waits(answer),
        who=Who.GUEST,
        about=about,
    )
    for method, path, answer, about in (
        ("GET", "", settings.read, openapi_settings.READ_ALL),
        ("PUT", "", settings.put, openapi_settings.PUT_ALL),
        ("PATCH", "", settings.patch, openapi_settings.PATCH_ALL),
        ("DELETE", "", settings.remove, openapi_settings.ERASE),
        ("GET", "/{namespace}", settings.read, openapi_settings.READ),
        ("PUT", "/{namespace}", settings.put, openapi_settings.PUT),
        ("PATCH", "/{namespace}", settings.patch, openapi_settings.PATCH),
        ("DELETE", "/{namespace}", settings.remove, openapi_settings.REMOVE),
        ("GET", "/{namespace}/versions", settings.versions, openapi_settings.VERSIONS),
        ("POST", "/{namespace}/undo", settings.undo, openapi_settings.UNDO),
    )
)

_PUBLIC_LIST = Route[Handler](
    methods={"GET"},
    pattern="/api/v1/streams",
    handler=Answers(streams.public_list),
    who=Who.ANYONE,
    about=openapi_streams.LIST,
)

_WEBHOOKS: tuple[Route[Handler], ...] = tuple(
    Route(
        methods={method},
        pattern=f"/api/v1/webhooks{path}",
        handler=handler,
        who=Who.OPERATOR,
        about=about,
    )
    for method, path, handler, about in (
        ("GET", "", Answers(webhooks.every), openapi_webhooks.LIST),
        ("POST", "", Waits(webhooks.create), openapi_webhooks.CREATE),
        ("GET", "/{id}", Answers(webhooks.read), openapi_webhooks.READ),
        ("PATCH", "/{id}", Waits(webhooks.edit), openapi_webhooks.EDIT),
        ("DELETE", "/{id}", Waits(webhooks.remove), openapi_webhooks.REMOVE),
        ("POST", "/{id}/rotate", Waits(webhooks.rotate), openapi_webhooks.ROTATE),
        ("POST", "/{id}/replay", Waits(webhooks.replay_dead), openapi_webhooks.REPLAY_DEAD),
        ("GET", "/{id}/deliveries", Waits(webhooks.deliveries), openapi_webhooks.DELIVERIES),
        ("GET", "/{id}/deliveries/{delivery}", Waits(webhooks.delivery), openapi_webhooks.DELIVERY),
        (
            "POST",
            "/{id}/deliveries/{delivery}/replay",
            Waits(webhooks.replay),
            openapi_webhooks.REPLAY,
        ),
    )
)

_OPERATORS: tuple[Route[Handler], ...] = (
    *_WEBHOOKS,
    *room_routes.OPERATORS,
    Route(methods={"GET"}, pattern="/metrics", handler=Answers(operator.metrics), who=Who.ANYONE),
    Route(methods={"GET"}, pattern="/readyz", handler=Answers(operator.ready), who=Who.ANYONE),
    Route(
        methods={"GET"},
        pattern="/api/v1/streams",
        handler=Answers(streams.operators_list),
        who=Who.OPERATOR,
        about=openapi_streams.OPERATORS_LIST,
    ),
    Route(
        methods={"DELETE"},
        pattern="/api/v1/streams/{app}/{name}/publisher",
        handler=Answers(streams.end_publication),
        who=Who.OPERATOR,
        about=openapi_streams.END_PUBLICATION,
    ),
)

_OF_ROOMS = (*room_routes.PUBLIC, *moderation_routes.PUBLIC, *erasure_routes.PUBLIC)
_RECORDED = (*recording_routes.MEDIA, *recording_routes.PUBLIC)

PUBLIC = RouteTable[Handler]((*_RECORDED, *_PUBLIC, *_OF_ROOMS, *_OF_SETTINGS, _PUBLIC_LIST))
OPERATOR = RouteTable[Handler](
    (*_RECORDED, *_OPERATORS, *server_api.ROUTES, *_PUBLIC, *_OF_ROOMS, *_OF_SETTINGS)
)
