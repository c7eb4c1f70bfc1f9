"""Where an inbound caller is with whom nobody of ours talks yet, and how far they got in the end."""

from __future__ import annotations

from dataclasses import dataclass

from zeoncrm.ami.channels import UP, Channel
from zeoncrm.ami.outcomes import is_voicemail
from zeoncrm.pipeline.call_events import Reached


@dataclass(slots=True)
class Waiting:
    """One caller's way: `stage` is the last place that was known, `queue` the last queue that was told."""

    queue: str | None = None
    stage: Reached | None = None
    # Whether the PBX answered, and only after phones had rung in vain.
    pbx_answered: bool = False
    answered_after_ringing: bool = False

    def follow(self, caller: Channel, queue: str | None, *, ringing: bool, taken: bool) -> bool:
        """What is seen now; says whether the queue is news.

        `queue`: where the caller waits. `ringing`: phones of ours do. `taken`: one of them was answered, though perhaps
        put down before its user came into the conversation.
        """
        if caller.state == UP and not self.pbx_answered:
            self.pbx_answered = True
            self.answered_after_ringing = self.stage is Reached.RINGING and not ringing and not taken
        if queue is not None:
            self.stage = Reached.QUEUE
            if queue != self.queue:
                self.queue = queue
                return True
        elif caller.parked:
            self.stage = Reached.PARKING
        elif caller.state == UP and self.stage is None:
            self.stage = Reached.IVR
        return False

    def reached(self, caller: Channel | None) -> Reached:
        """How far the caller got whom nobody answered."""
        if caller is None:
            return self.stage or Reached.RINGING
        if caller.queue:
            return Reached.QUEUE
        if caller.parked:
            return Reached.PARKING
        # An account that may not see call records has only a guess: what else answers when the phones have not?
        if is_voicemail(caller.application) or (self.answered_after_ringing and not caller.record_closed):
            return Reached.VOICEMAIL
        if self.stage is not None:
            return self.stage
        return Reached.IVR if caller.state == UP else Reached.RINGING
