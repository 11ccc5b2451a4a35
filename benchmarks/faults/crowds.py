"""The same command twice at once, and many writers of one archive."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from benchmarks.calling import Answer, Caller
from benchmarks.faults.kills import Undisturbed
from benchmarks.faults.outcomes import Outcome
from benchmarks.faults.site import PATIENCE_SECONDS, Site
from benchmarks.faults.works import OWNER, Work, result_of
from benchmarks.serving import served

WRITERS = 32


def twice(work: Work, start: Site, folder: Path, usual: Undisturbed, tries: int) -> Outcome:
    """Two at once both succeed, and come to what one alone comes to."""
    outcome = Outcome(f"two at once, {work.name}")
    for _ in range(tries):
        with start.copy(folder) as site:
            # Or both would wait for the server, and one of them longer.
            site.server.start()
            processes = [site.start(*work.arguments) for _ in range(2)]
            outcome.tries += 1
            for process in processes:
                _, err = process.communicate(timeout=PATIENCE_SECONDS)
                outcome.expect(not process.returncode, f"{work.name} twice: {err.strip()[-1000:]}")
            result = result_of(work, site)
            outcome.expect(result == usual.result, f"{result} instead of {usual.result}")
    return outcome


def many_writers(start: Site, folder: Path, tries: int) -> Outcome:
    """In each round all write over the revision that all have read: one may succeed."""
    outcome = Outcome(f"{WRITERS} writers of an archive")
    with start.copy(folder) as site:
        token = site.run("create_token", OWNER).strip()
        arguments = ("--workers", "2", "--threads", str(WRITERS // 2))
        with (
            served(*arguments, environment=site.served) as address,
            ThreadPoolExecutor(WRITERS) as pool,
        ):
            callers = [Caller(address, token) for _ in range(WRITERS)]
            read = callers[0]("POST", "/api/archives/", {"name": "Late", "content": {}})
            path = f"/api/archives/{read.json['id']}/"
            for number in range(tries):
                barrier = Barrier(WRITERS)

                def write(n: int, etag: str = read.etag, barrier: Barrier = barrier) -> Answer:
                    barrier.wait()
                    body = {"name": "Late", "content": {"round": number, "writer": n}}  # noqa: B023
                    return callers[n]("PUT", path, body, if_match=etag)

                answers = list(pool.map(write, range(WRITERS)))
                outcome.tries += 1
                statuses = Counter(answer.status for answer in answers)
                outcome.expect(
                    statuses == {200: 1, 412: WRITERS - 1}, f"round {number}: {dict(statuses)}"
                )
                read = callers[0]("GET", path)
                winners = [n for n, answer in enumerate(answers) if answer.status == 200]
                content = read.json["content"]
                outcome.expect(
                    winners == [content.get("writer")] and content["round"] == number,
                    f"round {number}: {winners} were told to have won, {content} is stored",
                )
            revision = read.json["revision"]
            outcome.expect(revision == tries + 1, f"revision {revision} after {tries} rounds")
    return outcome
