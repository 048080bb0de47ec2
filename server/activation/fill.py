"""Makes the vectors that a model lacks: in batches, the shop's products first, each batch a short transaction.

Rows that others hold are left to a later round, and waited for at the end without holding anything.

The rule for a lost picture (its file is gone, or damaged, or the model makes no vector of it alone): where words do not
find the product today, because it is not live or the active model has no vector of it either, it stays without one.
Where they find it, a switch would take it out of the search, so the activation stops before it and names the product;
with `lost_by_title` the product is placed by its title until an import brings its picture back. Whatever else fails (a
disk that cannot be read, a model that does not run) says nothing about the picture, and ends the activation with its
own sentence.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from pgvector import HalfVector
from PIL import Image
from psycopg import errors as pg_errors

from server.activation.session import APPLICATION, SQL, name_holders
from server.catalog.picture import Darkroom, Picture
from server.db.work_done import Work, note_work
from server.embedding.encoder import Encoder, Pixels, Vector
from server.errors import Conflict, InvalidImage, ModelError, NotFound

BATCH = 64
# Batches whose pictures are being prepared while the tower works on the one before.
AHEAD = 2
# After so many rounds over all products, what an import goes on putting in is left to the rounds before the switch.
MOST_ROUNDS = 4
# Rows that others hold are tried again so often; who holds them is said once after a while, and in the end given up.
HELD_AGAIN_SECONDS = 0.5
HELD_SAY_SECONDS = 10.0
HELD_GIVE_UP_SECONDS = 600.0


@dataclass
class Gap:
    """A product without a vector of the model.

    findable: words find it today. fault: why its picture gives none.
    """

    sku: str
    title: str
    image_sha256: str | None
    media_type: str | None
    live: bool
    findable: bool
    picture: Future[Picture] | None = None
    vector: Vector | None = None
    source: str = "image"
    fault: str = ""


@dataclass
class Filler:
    """Fills the gaps of one model. on_filled(products, seconds) is called in each batch's transaction.

    say(sentence) is called where the work waits for somebody.
    """

    connection: psycopg.Connection
    model: int
    encoder: Encoder
    darkroom: Darkroom
    threads: int
    on_filled: Callable[[int, float], None]
    lost_by_title: bool = False
    say: Callable[[str], None] = lambda sentence: None
    filled: int = 0
    by_title: set[str] = field(default_factory=set)
    lost: dict[str, Gap] = field(default_factory=dict)

    def fill(self) -> None:
        """Fill until a round over all products finds hardly anything.

        Raises ModelError where a product would be lost from the search or the model does not run, StorageUnavailable,
        Conflict where others hold rows for too long.
        """
        self.lost.clear()
        with ThreadPoolExecutor(self.threads, "prepare") as pool:
            try:
                for _ in range(MOST_ROUNDS):
                    if self._round(pool) <= BATCH:
                        break
                self._wait_for_rows(pool)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        self._check_lost()

    def _wait_for_rows(self, pool: ThreadPoolExecutor) -> None:
        """Until nobody holds the rows that were held at first; those that are held since are left to another round.

        The session's name tells it to whoever watches.
        """
        began = time.monotonic()
        told = False
        held = self._held()
        try:
            while held:
                waited = time.monotonic() - began
                self._tell_waiting(f"{APPLICATION}, waits for {len(held)} rows")
                if waited > HELD_SAY_SECONDS and not told:
                    told = True
                    self.say(f"Waiting for {len(held):,} products, whose rows are held by {self._holders()}.")
                if waited > HELD_GIVE_UP_SECONDS:
                    raise Conflict(
                        f"The rows of {len(held):,} products are held for too long, by {self._holders()}. End that "
                        "transaction, and run the same command again: it goes on where it stopped."
                    )
                time.sleep(HELD_AGAIN_SECONDS)
                self._round(pool)
                held &= self._held()
        finally:
            # Where the session is lost, its name is gone with it.
            with suppress(psycopg.Error):
                self._tell_waiting(APPLICATION)

    def _held(self) -> set[str]:
        return {sku for (sku,) in self.connection.execute(SQL["held_gaps"], {"lost": list(self.lost)})}

    def _holders(self) -> str:
        return name_holders(self.connection, readers=False)

    def _tell_waiting(self, name: str) -> None:
        self.connection.execute("SELECT set_config('application_name', %s, false)", [name])

    def _round(self, pool: ThreadPoolExecutor) -> int:
        """Once over the live products, then over the rest; returns how many were filled."""
        before = self.filled
        for only_live in (True, False):
            under_way: deque[list[Gap]] = deque()
            for gaps in self._batches(only_live):
                for gap in gaps:
                    if gap.image_sha256 is not None:
                        gap.picture = pool.submit(self.darkroom.develop_stored, gap.image_sha256, gap.media_type or "")
                under_way.append(gaps)
                if len(under_way) > AHEAD:
                    self._complete(under_way.popleft())
            while under_way:
                self._complete(under_way.popleft())
        return self.filled - before

    def _batches(self, only_live: bool) -> Iterator[list[Gap]]:
        after = ""
        while True:
            parameters = {"after": after, "only_live": only_live, "limit": BATCH}
            gaps = [Gap(*row) for row in self.connection.execute(SQL["gaps"], parameters)]
            if not gaps:
                return
            after = gaps[-1].sku
            gaps = [gap for gap in gaps if gap.sku not in self.lost]
            if gaps:
                yield gaps

    def _complete(self, gaps: list[Gap]) -> None:
        began = time.perf_counter()
        self._embed(gaps)
        made = [gap for gap in gaps if gap.vector is not None]
        for attempt in range(5):
            try:
                self._write(made, began)
                return
            except (pg_errors.DeadlockDetected, pg_errors.SerializationFailure):
                if attempt == 4:
                    raise
            except pg_errors.ProgramLimitExceeded as exc:
                raise ModelError(
                    f"A product's row has no room for the vectors of both models (one of {made[0].sku} to "
                    f"{made[-1].sku}). Shorten its texts, or take a model of fewer numbers."
                ) from exc
            except pg_errors.CheckViolation as exc:
                raise ModelError(
                    f"One of the products {made[0].sku} to {made[-1].sku} breaks the constraint "
                    f"{exc.diag.constraint_name}, so nothing can be written to its row. Correct it, and run this "
                    "again: it goes on where it stopped."
                ) from exc

    # -- vectors -----------------------------------------------------------------------------------------------

    def _embed(self, gaps: list[Gap]) -> None:
        with_pixels = [(gap, pixels) for gap in gaps if (pixels := _pixels(gap)) is not None]
        self._run_tower(with_pixels)
        if with_pixels and all(gap.vector is None for gap, _ in with_pixels):
            self._check_tower()
        for gap in gaps:
            if gap.vector is None and (gap.image_sha256 is None or self._give_up_picture(gap)):
                gap.vector, gap.source = self.encoder.place_text(gap.title), "text"

    def _run_tower(self, gaps: list[tuple[Gap, Pixels]]) -> None:
        if not gaps:
            return
        try:
            vectors = self.encoder.embed_pixels([pixels for _, pixels in gaps])
        except ModelError as exc:
            # One that the model makes no vector of must not keep the others out.
            if len(gaps) > 1:
                for one in gaps:
                    self._run_tower([one])
            else:
                gaps[0][0].fault = exc.message
            return
        for (gap, _), vector in zip(gaps, vectors, strict=True):
            gap.vector = vector

    def _check_tower(self) -> None:
        """Raises ModelError where the fault lies with the model: it makes no vector of a sound picture either."""
        self.encoder.embed_pixels([self.encoder.prepare(Image.linear_gradient("L").convert("RGB"))])

    def _give_up_picture(self, gap: Gap) -> bool:
        """Whether the title is to take the picture's place; else note that the product stays without a vector."""
        if self.lost_by_title:
            return True
        self.lost[gap.sku] = gap
        return False

    def _check_lost(self) -> None:
        lost = sorted(sku for sku, gap in self.lost.items() if gap.findable)
        if lost:
            names = ", ".join(lost[:5]) + (", ..." if len(lost) > 5 else "")
            raise ModelError(
                f"The pictures of {len(lost):,} products cannot be read ({names}), and with the new model no words "
                f"would find these. What is wrong with the first: {self.lost[lost[0]].fault} Restore their files, or "
                "import them again with their pictures; or add --lost-by-title to have them placed by their titles "
                "until then. Then run this again: it goes on where it stopped."
            )

    # -- writing -----------------------------------------------------------------------------------------------

    def _write(self, gaps: list[Gap], began: float) -> None:
        if not gaps:
            return
        with self.connection.transaction():
            # UPDATE needs the table; waiting for it while rows are locked would hold up those who write them.
            self.connection.execute("LOCK TABLE product IN ROW EXCLUSIVE MODE")
            skus = {"sku": [gap.sku for gap in gaps]}
            locked = {sku for (sku,) in self.connection.execute(SQL["lock_gaps"], skus)}
            mine = [gap for gap in gaps if gap.sku in locked]
            filled = self.connection.execute(SQL["fill"], _values(self.model, mine)).rowcount
            note_work(self.connection, Work.EMBEDDING, filled)
            self.on_filled(filled, time.perf_counter() - began)
        self.filled += filled
        self.by_title.update(gap.sku for gap in mine if gap.source == "text" and gap.image_sha256 is not None)


def _values(model: int, gaps: list[Gap]) -> dict[str, object]:
    return {
        "model": model,
        "sku": [gap.sku for gap in gaps],
        "image_sha256": [gap.image_sha256 for gap in gaps],
        "embedding": [None if gap.vector is None else HalfVector(gap.vector) for gap in gaps],
        "source": [gap.source for gap in gaps],
        "text": [gap.title if gap.source == "text" else None for gap in gaps],
    }


def _pixels(gap: Gap) -> Pixels | None:
    """The prepared picture; None where there is none or it is lost. Raises what else keeps it from being read."""
    if gap.picture is None:
        return None
    try:
        return gap.picture.result().pixels
    except (NotFound, InvalidImage) as exc:
        gap.fault = exc.message
        return None
