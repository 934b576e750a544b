"""A domain's commands over NATS: each request gets exactly one answer, after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from bus import replies, subjects
from bus.broker.port import Broker, BrokerUnavailable, Endpoint, Request, Serving, Submission
from bus.clock import Clock, Ids, uuid7
from bus.committer import Committer
from bus.contract import Contract
from bus.intake import Intake, Invalid
from bus.replies import Answer
from bus.work import Failed, Outcome, Postponed, Stale, Superseded, Work

WAITING = 4096
"""Undecided works beyond which new ones are answered `unavailable` at once."""
OVERLOADED = replies.unavailable("Overloaded", "more is waiting than can be decided soon")
STALE_TRIES = 40
STALE_PAUSE = 0.05
"""How often, and after how many seconds each, a command is tried again that rests on a
copy of another domain that is behind."""
FAILED_PAUSE = 60.0
"""Seconds until a submission whose decision raised is tried again: it is kept, not lost."""

log = structlog.get_logger()


class Service:
    """Takes `cmd.<domain>.…` and `submit.<domain>.…` and answers from the committer.

    `halted` is why it takes none any more, until a person has looked: a sentence.
    """

    def __init__(
        self,
        contract: Contract,
        broker: Broker,
        committer: Committer,
        clock: Clock,
        ids: Ids = uuid7,
    ) -> None:
        self._contract = contract
        self._broker = broker
        self._committer = committer
        self._clock = clock
        self._intake = Intake(contract, ids)
        self.answering: set[asyncio.Task[None]] = set()
        self._submissions: Serving | None = None
        self.halted: str | None = None

    @property
    def idle(self) -> bool:
        return not self.answering

    def endpoints(self) -> Sequence[Endpoint]:
        """One for each public command: a catch-all beside them would steal their requests."""
        return [
            Endpoint(
                name,
                subjects.command(self._contract.domain, name, ">"),
                self._take,
                metadata={"description": (command.__doc__ or "").split("\n")[0]},
            )
            for name, command in self._contract.public.items()
        ]

    async def start_submissions(self) -> None:
        await self._broker.ensure_submissions()
        self._submissions = await self._broker.submissions(self._contract.domain, self._submitted)

    async def stop(self) -> None:
        """Answers what was taken, then returns."""
        if self._submissions is not None:
            await self._submissions.stop()
        while self.answering:
            await asyncio.wait(set(self.answering))

    def _take(self, request: Request) -> None:
        if not self._open:
            busy = self._unavailable()
            request.respond(busy.body, busy.headers)
            return
        try:
            work = self._intake.work(request.subject, request.body, request.headers)
        except Invalid as invalid:
            request.respond(invalid.answer.body, invalid.answer.headers)
            return
        work.listener = partial(self._decided, request, work)
        self._committer.take(work)

    @property
    def _open(self) -> bool:
        return self.halted is None and self._committer.waiting < WAITING

    def _unavailable(self) -> Answer:
        return OVERLOADED if self.halted is None else replies.unavailable("Halted", self.halted)

    def _decided(self, request: Request, work: Work, outcome: Outcome) -> None:
        if isinstance(outcome, Stale):
            task = asyncio.create_task(self._try_again(request, work))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)
            return
        answer = self._answer(work, outcome)
        request.respond(answer.body, answer.headers)

    async def _try_again(self, request: Request, work: Work) -> None:
        outcome = await self._settled(work)
        answer = self._answer(work, outcome)
        request.respond(answer.body, answer.headers)

    async def _settled(self, work: Work) -> Outcome:
        """The outcome once the copy that it rests on has caught up.

        The copy may be moved by another process, so that there is nothing to await but time.
        """
        outcome: Outcome = Superseded()
        for _ in range(STALE_TRIES):
            await self._clock.sleep(STALE_PAUSE)
            outcome = await self._committer.submit(_again(work))
            if not isinstance(outcome, Stale):
                break
        return outcome

    def _answer(self, work: Work, outcome: Outcome) -> Answer:
        if isinstance(outcome, Failed):
            command = work.commands[0]
            log.error(
                "decision failed",
                command=type(command).__name__,
                id=command.id,
                exc_info=outcome.error,
            )
        domain, id = self._contract.domain, work.commands[0].id
        return replies.answer(id, outcome, domain, work.expected_version)

    async def _submitted(self, submission: Submission) -> None:
        """Handles a stored command; it leaves the queue only when its answer stands."""
        if not self._open:
            await submission.retry(replies.RETRY_AFTER)
            return
        try:
            work = self._intake.work(
                submission.subject,
                submission.body,
                submission.headers,
                own_id=f"submission:{submission.token}",
            )
        except Invalid as invalid:
            await self._refuse(submission, invalid.answer)
            return
        outcome = await self._committer.submit(work)
        match outcome:
            case Postponed() | Superseded() | Stale():
                await submission.retry(replies.RETRY_AFTER)
            case Failed():
                self._answer(work, outcome)
                await submission.retry(FAILED_PAUSE)
            case _:
                await self._refuse(submission, self._answer(work, outcome))

    async def _refuse(self, submission: Submission, answer: Answer) -> None:
        """Publishes what was not accepted; then the submission is done."""
        try:
            if answer.status != "accepted":
                subject = "refused" + submission.subject.removeprefix("submit")
                await self._broker.publish(subject, answer.body, answer.headers)
            await submission.ack()
        except BrokerUnavailable as error:
            # It comes again, and the receipt gives the same answer.
            log.warning("submission not acknowledged", reason=str(error))


def _again(work: Work) -> Work:
    return Work(
        commands=work.commands,
        cause=work.cause,
        identity=work.identity,
        expected_version=work.expected_version,
    )
