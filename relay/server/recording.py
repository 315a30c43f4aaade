"""What is recorded of the broadcasts on stage, and who tells of what was."""

from relay.config import Config
from relay.fanout.budget import Budget
from relay.live.stage import Stage
from relay.notify.announcer import ID_BYTES, Announcer
from relay.notify.events import Described
from relay.ports import Ports
from relay.recordings.kept import Kept
from relay.recordings.recording import Recording
from relay.recordings.recordings import Recordings
from relay.recordings.telling import finished
from relay.server.access import Access
from relay.store.contract import Store
from relay.store.writer import Writer
from relay.views.catalog import Catalog
from relay.views.details import Visibility

SECRET_BYTES = 32


def record(
    stage: Stage,
    catalog: Catalog,
    access: Access,
    announcer: Announcer,
    *,
    config: Config,
    ports: Ports,
    store: Store,
    writer: Writer,
    budget: Budget,
) -> Recordings:
    """Recordings of what is on stage, told of every change beside whoever is told already."""

    async def tell(recording: Recording) -> None:
        details = catalog[recording.stream]
        said = Described(
            title=recording.title,
            category=details.category,
            picture=details.picture,
            user=recording.owner or None,
            is_listed=details.visibility is Visibility.PUBLIC,
        )
        event = finished(
            recording,
            said,
            at_ms=round(ports.wall() * 1000),
            event_id=f"evt_{ports.random.randbytes(ID_BYTES).hex()}",
            source=config.notify.source,
        )
        await announcer.tell(event)

    recordings = Recordings(
        config.recording,
        Kept(ports.disk, store, writer, tell, ports.random.randbytes(SECRET_BYTES)),
        ports,
        store,
        writer,
        stage,
        budget,
        access.owners,
        lambda stream: catalog[stream].title,
    )
    told_before = stage.on_change

    def changed(stream: str) -> None:
        told_before(stream)
        recordings.changed(stream)

    stage.on_change = changed
    return recordings
