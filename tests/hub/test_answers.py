"""Our answers on their way through a hub: none is lost, and none is sent twice while the hub can tell."""

import pytest
from polling_harness import HUB_RECORD, House, MemoryHub, envelope, poller_of

from gateway.errors import ConfigurationError, DeliveryError, HubRefused
from gateway.hub import HubService
from gateway.hub.answering import answer
from gateway.ippc import EnvelopeHeader
from gateway.store import AnswerState, claim_answer, list_answers, list_imports


class Killed(BaseException):
    """Nothing that runs after it writes anything down."""


@pytest.fixture
def hub():
    return MemoryHub()


@pytest.fixture
def desk(store, hub):
    """An instance with one imported envelope."""

    class Desk(House):
        def answer(self, **more):
            wanted = {"status": 41, "reason": "Pest", "actor": "desk", **more}
            return answer(self.context, self.poller, self.row, **wanted).answer

        def round(self, **delta):
            self.later(**delta)
            return self.poller.run_once("the-hub")

        @property
        def answers(self):
            with self.store.read() as connection:
                return list_answers(connection)

    made = Desk(store)
    made.poller = poller_of(made, hub)
    hub.put(envelope())
    made.poller.run_once("the-hub")
    with store.read() as connection:
        (made.row,) = list_imports(connection)
    return made


def test_the_hub_is_asked_until_its_last_word(desk, hub):
    given = desk.answer()
    assert (given.state, given.number, given.answers) == (AnswerState.TRACKING, "ANSWER-1", desk.row.hub_number)
    assert desk.round(minutes=1).answers == 0
    hub.states["ANSWER-1"], hub.messages["ANSWER-1"] = "DeliveredNotReadable", "what?"
    assert desk.round(hours=2).answers == 1
    (last,) = desk.answers
    assert (last.state, last.code, last.message) == (AnswerState.REFUSED, "IMG-8015", "what?")
    assert desk.round(hours=2).answers == 0
    actions = [action for (action,) in desk.rows("SELECT action FROM audit WHERE substr(action, 1, 10) = 'hub answer'")]
    assert sorted(actions) == ["hub answer", "hub answer refused", "hub answer taken"]


def test_a_lost_answer_is_looked_for_before_it_is_sent_again(desk, hub):
    def lose():
        raise DeliveryError("IMG-8002")

    hub.broken = lose
    assert desk.answer().state is AnswerState.SENDING
    desk.round(minutes=5)
    assert [(each.state, each.number) for each in desk.answers] == [(AnswerState.TRACKING, "ANSWER-1")]
    assert len(hub.responses) == 1


def test_who_is_killed_after_the_hub_took_it_has_sent_it_once(desk, hub):
    def kill():
        raise Killed

    hub.broken = kill
    with pytest.raises(Killed):
        desk.answer()
    hub.broken = lambda: None
    desk.round(seconds=1)  # the claim of the dead one still holds
    assert [each.state for each in desk.answers] == [AnswerState.SENDING]
    desk.round(minutes=5)
    assert [(each.state, each.number) for each in desk.answers] == [(AnswerState.TRACKING, "ANSWER-1")]
    assert len(hub.responses) == 1


def test_what_never_arrived_is_sent_although_the_same_answer_is_under_way_already(desk, hub):
    desk.answer()
    send = hub.send

    def lost_on_the_way(_operation, _body):
        raise DeliveryError("IMG-8002")

    hub.send = lost_on_the_way
    desk.answer(again=True)
    hub.send = send
    desk.round(minutes=5)
    assert sorted(each.number for each in desk.answers) == ["ANSWER-1", "ANSWER-2"]


def test_a_hub_that_is_down_ends_the_round_and_the_answer_goes_on_waiting(desk, hub):
    hub.down = True
    assert desk.answer().state is AnswerState.WAITING
    assert desk.round(minutes=5).failure.code == "IMG-8001"
    hub.down = False
    assert desk.round(hours=1).answers == 1
    assert len(hub.responses) == 1


def test_an_unusable_reply_about_one_does_not_end_the_round(desk, hub):
    hub.send = lambda _operation, _body: (EnvelopeHeader("XX", "AR", 851, 41, "1", "H-1", "PendingDelivery"), b"")
    given = desk.answer()
    assert (given.state, given.code, given.number) == (AnswerState.SENDING, "IMG-8003", "")
    done = desk.round(hours=1)
    assert (done.failure, done.answers) == (None, 0)
    assert desk.answers[0].attempts == 2


def test_a_question_that_is_not_answered_changes_nothing(desk, hub):
    desk.answer()
    hub.tracking = lambda number: EnvelopeHeader("", "", 0, 0, "", f"{number}0", "Delivered")
    desk.round(hours=2)
    assert desk.answers[0].state is AnswerState.TRACKING

    def silent(_number):
        raise DeliveryError("IMG-8002")

    hub.tracking = silent
    assert desk.round(hours=4).failure.code == "IMG-8002"
    assert (desk.answers[0].state, desk.answers[0].number) == (AnswerState.TRACKING, "ANSWER-1")


def test_of_two_at_once_one_sends(desk, hub):
    hub.down = True
    given = desk.answer()
    claims = [
        desk.store.write(lambda connection: claim_answer(connection, given, now=desk.now, until=desk.now))
        for _ in range(2)
    ]
    assert [claim is not None for claim in claims] == [True, False]


def test_nothing_is_kept_for_a_hub_that_is_no_longer_polled(desk):
    desk.save({name: value for name, value in HUB_RECORD.items() if name != "polling"})
    desk.later(minutes=1)
    with pytest.raises(ConfigurationError) as refusal:
        desk.answer()
    assert (refusal.value.code, desk.answers) == ("IMG-0123", ())


def test_a_hub_that_pushes_tells_about_answers_too(desk):
    desk.answer()
    service = HubService(desk.store, desk.context.directory)
    partner = desk.partner()

    def told(state, number="ANSWER-1"):
        service.set_tracking(partner, EnvelopeHeader("", "", 0, 0, "", number, state), now=desk.now)

    told("PendingDelivery")
    assert desk.answers[0].state is AnswerState.TRACKING
    told("Delivered")
    told("Delivered")
    assert (desk.answers[0].state, desk.answers[0].said) == (AnswerState.DELIVERED, "Delivered")
    for number, state, code in (
        ("ANSWER-1", "DeliveredNotReadable", "IMG-7102"),
        ("ANSWER-9", "Delivered", "IMG-7101"),
    ):
        with pytest.raises(HubRefused) as refusal:
            told(state, number)
        assert refusal.value.code == code
