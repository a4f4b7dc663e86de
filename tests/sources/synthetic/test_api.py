import json
import re
import signal
import threading
import time
from contextlib import nullcontext

import pytest
from fast_clock import FastClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llm_server import answer, drop, raw, serving, stall, status

from shoptalk.errors import InputError
from shoptalk.remote.limits import Clock
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.api.model import ApiModel
from shoptalk.sources.synthetic.language import Answer, Prompt

KEY = "sk-proj-8f3a91c07d5e42b6"
SENTENCE = re.compile(r"[^\n]+\.")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SOME_KEY", KEY)


class Told:
    """A voice that remembers."""

    def __init__(self):
        self.lines, self.progress = [], []
        self.voice = Voice(say=self.lines.append, bar=self._bar)

    def _bar(self, title):
        return nullcontext(lambda done, of: self.progress.append((done, of)))

    @property
    def incidents(self):
        return [line for line in self.lines if line.startswith("Prompt ")]


def prompts(n):
    return [Prompt("Write a query.", f"document {i}", seed=100 + i) for i in range(n)]


def model(url, **options):
    return ApiModel(**{"url": url, "model": "some-model", "clock": FastClock(), "concurrency": 4, **options})


def run(asked, prompts, told=None):
    """What comes out, each place at most once, and the sentence that ends it."""
    told, out = told or Told(), {}
    try:
        for place, one in asked.answers(prompts, told.voice):
            assert place not in out
            out[place] = one
    except InputError as error:
        assert SENTENCE.fullmatch(str(error)), error
        return out, told, str(error)
    return out, told, None


def good(places):
    return {place: Answer(f"query for document {place}") for place in places}


def test_each_prompt_is_asked_once_as_the_protocol_wants_it():
    with serving() as server:
        out, told, end = run(model(server.url, key_from="SOME_KEY", temperature=0.3, max_tokens=99), prompts(20))
    assert out == good(range(20)) and end is None and told.incidents == []
    assert told.progress == [(done, 20) for done in range(1, 21)]
    assert sorted(server.asked) == sorted(p.rest for p in prompts(20))
    first = min(server.bodies, key=lambda body: body["seed"])
    assert first == {
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "Write a query."},
            {"role": "user", "content": "document 0"},
        ],
        "temperature": 0.3,
        "max_tokens": 99,
        "seed": 100,
    }
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_fields_may_be_added_renamed_and_left_out():
    with serving() as server:
        extra = {"seed": None, "chat_template_kwargs": {"enable_thinking": False}}
        asked = model(server.url, temperature=None, max_tokens_as="max_completion_tokens", max_tokens=7, extra=extra)
        run(asked, [Prompt("", "alone", 1)])
    assert server.bodies == [
        {
            "model": "some-model",
            "messages": [{"role": "user", "content": "alone"}],
            "max_completion_tokens": 7,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]
    assert "Authorization" not in server.headers[0]


INCIDENTS = {
    "429: slow down": status(429, "slow down", Retry_After="7"),
    "408: what is wrong": status(408),
    "500: what is wrong": status(500),
    "503: what is wrong": status(503),
    "529: what is wrong": status(529),
    "no answer within 0.3 s": stall,
    "the connection broke": drop,
    "its answer breaks off": raw(b'{"choices": [{"mess', length=200),
    "its answer is no JSON": raw(b'{"choices": [{"message": {"content": "query fo'),
    "its answer is no JSON (bytes)": raw(b"\xff\xfe<html>"),
    "its answer is no JSON (deep)": raw(b"[" * 100_000),
    "its answer holds no choice (overloaded upstream)": raw(b'{"error": {"message": "overloaded upstream"}}'),
    "its answer holds no choice": raw(b'{"choices": []}'),
    "its answer holds no choice (list)": raw(b"[1, 2]"),
    "its answer is empty": answer(" "),
}


@pytest.mark.parametrize("why", INCIDENTS)
def test_an_incident_costs_one_line_and_one_more_try(why):
    with serving({"document 3": [INCIDENTS[why]]}) as server:
        out, told, end = run(model(server.url, timeout_s=0.3 if "within" in why else 5), prompts(6))
    assert out == good(range(6)) and end is None
    (line,) = told.incidents
    said = why.split(" (bytes")[0].split(" (deep")[0].split(" (list")[0]
    assert line.startswith(f"Prompt 4, try 1 of 5: {said}") and re.search(r"; again in [\d.]+ s\.$", line)
    assert server.asked.count("document 3") == 2 and len(server.asked) == 7


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.integers(0, 7),
        st.lists(st.sampled_from([k for k in INCIDENTS if "within" not in k and "empty" not in k]), max_size=4),
    ),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_whatever_happens_each_prompt_is_settled_once_and_paid_once(trouble, concurrency, tries):
    script = {f"document {i}": [INCIDENTS[why] for why in whys] for i, whys in trouble.items()}
    with serving(script) as server:
        out, told, end = run(model(server.url, concurrency=concurrency, tries=tries), prompts(8))
    # An endpoint that fails prompt after prompt ends it; what was not given up then is left.
    lost = {i for i, whys in trouble.items() if len(whys) >= tries}
    assert set(out) == set(range(8)) if end is None else len(lost) >= 5
    assert all((out[i].text is None) == (i in lost) and bool(out[i].fault) == (i in lost) for i in out)
    assert server.answered == {f"document {i}": 1 for i in out if i not in lost}
    if end is None:
        assert len(told.incidents) == sum(min(len(whys), tries) for whys in trouble.values())


def test_a_prompt_that_fails_every_try_is_given_up_and_the_run_goes_on():
    with serving({"document 1": [status(500, "no luck")] * 9}) as server:
        out, told, end = run(model(server.url, tries=3), prompts(5))
    assert out == {**good([0, 2, 3, 4]), 1: Answer(None, "500: no luck", lasting=False)} and end is None
    assert [line[:24] for line in told.incidents] == [f"Prompt 2, try {t} of 3: 50" for t in (1, 2, 3)]
    assert told.incidents[-1].endswith("; given up.") and server.asked.count("document 1") == 3
    assert told.lines[-1] == "4 of 5 prompts were answered; 40 tokens in and 20 out."


def test_after_a_death_at_half_the_same_call_asks_only_the_rest():
    asked, everything = prompts(40), {}
    with serving(dies_after=20) as server:
        out, told, end = run(model(server.url, tries=2), asked)
        everything |= {place: one for place, one in out.items() if one.text}
        assert len(everything) == 20 and "gives no answers" in end and "20 of 40 prompts were answered" in end
        assert all(SENTENCE.fullmatch(line) and "Traceback" not in line for line in told.lines)
        server.revived()
        rest = [place for place in range(40) if place not in everything]
        out, told, end = run(model(server.url, tries=2), [asked[place] for place in rest])
    assert end is None and not told.incidents
    everything |= {rest[place]: one for place, one in out.items()}
    assert everything == good(range(40))
    assert server.answered == {prompt.rest: 1 for prompt in asked}


def test_an_endpoint_that_comes_back_in_time_is_only_waited_for():
    with serving(dies_after=10) as server:

        class Repaired(FastClock):
            since_death = 0

            async def sleep(self, seconds):
                await super().sleep(seconds)
                self.since_death += server.listener is None
                if self.since_death == 12:
                    self.since_death += 1
                    server.revived()

        out, told, end = run(model(server.url, clock=Repaired(), tries=50), prompts(20))
    assert out == good(range(20)) and end is None and told.incidents
    assert server.answered == {prompt.rest: 1 for prompt in prompts(20)}


def test_nobody_there_ends_it_in_one_sentence():
    with serving() as server:
        pass
    out, told, end = run(model(server.url, tries=2, concurrency=1), prompts(30))
    assert len(out) == 5 and all(
        one.fault.startswith("the endpoint cannot be reached (Connection refused)") for one in out.values()
    )
    assert end.startswith(
        f"{server.url} gives no answers, 5 prompts in a row failed on every try ('the endpoint cannot be reached (Conn"
    )
    assert end.endswith("0 of 30 prompts were answered, and the same command asks the others.")
    assert len(told.incidents) == 10
    assert run(model(server.url, tries=1), prompts(2))[2].startswith(
        f"{server.url} gives no answers, 2 prompts in a row"
    )


def test_an_endpoint_without_tls_is_told_from_one_that_is_down():
    with serving() as server:
        out, _, _ = run(model(server.url.replace("http", "https"), tries=1), prompts(1))
    assert re.fullmatch(r"the endpoint cannot be reached \(.*ssl.*\)", out[0].fault, re.IGNORECASE)


@pytest.mark.parametrize("act", [status(500), status(503), drop])
def test_only_an_endpoint_that_fails_prompt_after_prompt_is_left(act):
    ill = [0, 1, 2, 3, 5, 6, 7, 8]
    with serving({f"document {i}": [act] for i in ill}) as server:
        out, _, end = run(model(server.url, tries=1, concurrency=1), prompts(10))
    assert end is None and len(out) == 10 and {i for i, one in out.items() if one.text is None} == set(ill)


@pytest.mark.parametrize("count, ends", [(1, False), (24, False), (40, True)])
def test_a_model_that_fails_at_a_few_prompts_is_borne_with(count, ends):
    with serving({f"document {i}": [status(500)] for i in range(count)}) as server:
        out, _, end = run(model(server.url, tries=1, concurrency=1), prompts(count))
    assert len(out) == min(count, 25) and not any(one.text for one in out.values()) and bool(end) == ends


def test_prompts_that_are_ill_themselves_end_nothing():
    with serving({f"document {i}": [answer("gout", finish="length")] for i in range(40)}) as server:
        out, _, end = run(model(server.url, concurrency=1), prompts(40))
    assert len(out) == 40 and end is None


@pytest.mark.parametrize(
    "act, options, said",
    [
        (status(400, "no field 'seed'"), {}, "refuses the request (400: no field 'seed'): mend what it speaks of"),
        (status(401, "bad"), {"key_from": "SOME_KEY"}, "(401: bad): check what generator.model.key_from=SOME_KEY"),
        (status(401, "bad"), {}, "asks for a key (401: bad): name its environment variable"),
        (status(403, "bad"), {"key_from": "SOME_KEY"}, "refuses the key (403: bad)"),
        (status(404, "no model x"), {}, "(404: no model x): check generator.model.model=some-model"),
        (status(307, Location="http://elsewhere.invalid/"), {}, "redirects (307) to http://elsewhere.invalid/"),
        (status(405, "x. " * 400), {}, f"(405: {('x. ' * 400)[:160]}…)"),
    ],
)  # fmt: skip
def test_what_would_meet_every_prompt_ends_it_at_once(act, options, said):
    with serving({f"document {i}": [act] for i in range(50)}) as server:
        out, told, end = run(model(server.url, **options), prompts(50))
    assert said in end and end.endswith("; 0 of 50 prompts were answered, and the same command asks the others.")
    assert out == {} and told.incidents == [] and len(server.asked) <= 4


def test_answers_on_their_way_are_waited_for_when_all_ends():
    def slow(handler, body):
        time.sleep(0.2)
        answer()(handler, body)

    script = {"document 0": [slow], "document 1": [slow], "document 2": [status(401)]}
    with serving(script) as server:
        out, _, end = run(model(server.url, concurrency=3), prompts(9))
    assert out == good([0, 1]) and "2 of 9 prompts were answered" in end and len(server.asked) == 3


@pytest.mark.parametrize(
    "act, why",
    [
        (answer("gout in the", finish="length"), "its answer is cut at generator.model.max_tokens=256"),
        (answer("", finish="content_filter"), "the endpoint's content filter withholds its answer"),
        (status(400, "maximum context length is 4096"), "400: maximum context length is 4096"),
        (status(413, "too much"), "413: too much"),
        (
            raw(b'{"choices": [{"message": {}, "finish_reason": "length"}]}'),
            "its answer is cut at generator.model.max_tokens=256",
        ),
    ],
)
def test_a_prompt_that_another_try_cannot_mend_is_given_up_at_once(act, why):
    with serving({"document 2": [act]}) as server:
        out, told, end = run(model(server.url), prompts(4))
    assert out == {**good([0, 1, 3]), 2: Answer(None, why)} and end is None and len(server.asked) == 4
    assert told.incidents == [f"Prompt 3, try 1 of 5: {why}; given up."]


def test_so_many_requests_at_once_and_no_more():
    with serving(delay=0.02) as server:
        run(model(server.url, concurrency=3), prompts(18))
    assert server.most == 3


def test_requests_keep_to_their_number_a_minute_retries_too():
    clock = FastClock()
    with serving({"document 2": [status(500)]}) as server:
        asked = model(server.url, requests_per_minute=30, clock=clock, concurrency=1)
        run(asked, prompts(5))
        assert clock.time == pytest.approx(5 * 2)
        run(asked, prompts(1))
    assert clock.time == pytest.approx(6 * 2)  # a second call goes on where the first stopped


def test_everybody_waits_as_long_as_the_endpoint_asks():
    class Hurried(Clock):
        def now(self):
            return 250 * super().now()

        async def sleep(self, seconds):
            await super().sleep(seconds / 250)

    limited = threading.Event()

    def after_the_limit(handler, body):
        limited.wait(5)
        answer()(handler, body)

    script = {"document 0": [status(429, Retry_After="50")], "document 1": [after_the_limit]}
    with serving(script) as server:
        voice = Voice(say=lambda line: limited.set())
        assert dict(model(server.url, concurrency=2, clock=Hurried()).answers(prompts(6), voice)) == good(range(6))
    assert sorted(server.asked[:2]) == ["document 0", "document 1"]
    assert min(server.times[2:]) - max(server.times[:2]) >= 0.9 * 50 / 250


def test_a_prompt_is_not_asked_again_before_the_endpoint_allows():
    clock = FastClock()
    with serving({"document 0": [status(429, Retry_After="50")]}) as server:
        _, told, _ = run(model(server.url, concurrency=1, clock=clock), prompts(3))
    assert told.incidents == ["Prompt 1, try 1 of 5: 429: what is wrong; again in 50.0 s."]
    assert clock.time == 50


def test_a_plan_says_what_it_will_take():
    asked = model(
        "http://localhost:1/v1/", max_tokens=100, budget_tokens=5000, budget_money=1, prices={"input": 1, "output": 10}
    )
    # 14 + 10 characters are 6 tokens, and 12 for the frame of the chat.
    assert asked.plan(prompts(10)) == (
        "some-model at http://localhost:1/v1 will get 10 requests: about 180 tokens in (4 characters each) and at most "
        "1,000 out (100 an answer), 0.01 in money, "
        "within generator.model.budget_tokens=5000 and generator.model.budget_money=1.0."
    )
    assert (
        model("http://localhost:1", budget_tokens=None).plan(prompts(2)).endswith("(256 an answer), without a budget.")
    )


@pytest.mark.parametrize(
    "budget, said",
    [
        ({"budget_tokens": 1179}, "generator.model.budget_tokens=1179 would be passed by 1 tokens, as 10 prompts may"),
        ({"budget_money": 0.01}, "generator.model.budget_money=0.01 would be passed by 0.00018, as 10 prompts may"),
    ],
)  # fmt: skip
def test_a_plan_beyond_the_budget_is_refused(budget, said):
    asked = model("http://localhost:1", max_tokens=100, prices={"input": 1, "output": 10}, **budget)
    with pytest.raises(InputError, match=re.escape(said)) as error:
        asked.plan(prompts(10))
    assert "raise it, ask for fewer queries or lower generator.model.max_tokens" in str(error.value)
    asked.plan(prompts(8))


@pytest.mark.parametrize("usage, answers", [((10, 5), 59), ((18, 100), 8), (None, 8), (("ten", 5), 8), ((10, -1), 8)])
@pytest.mark.parametrize("concurrency", [1, 7])
def test_no_request_is_made_that_could_pass_the_budget(usage, answers, concurrency):
    with serving(usage=usage) as server:
        asked = model(server.url, max_tokens=100, budget_tokens=1000, concurrency=concurrency)
        out, told, end = run(asked, prompts(100))
    # A request may take 18 + 100 tokens: one more is made as long as that much is left.
    assert len(out) == len(server.asked) == answers and out == good(out)
    assert end.startswith("generator.model.budget_tokens=1000 would be passed by ")
    assert end.endswith(f"raise it; {answers} of 100 prompts were answered, and the same command asks the others.")
    assert told.incidents == []
    spent = asked.budget.spent
    assert spent.read + spent.written <= 1000


def test_the_budget_holds_for_all_calls_together():
    with serving() as server:
        asked = model(server.url, max_tokens=100, budget_tokens=150)
        assert run(asked, prompts(2))[0] == good([0, 1])
        assert run(asked, prompts(2))[0] == good([0])
        with pytest.raises(InputError, match="would be passed by 13 tokens"):
            asked.plan(prompts(1))


def test_money_is_counted_by_price():
    with serving(usage=(18, 50)) as server:
        asked = model(server.url, max_tokens=100, budget_money=0.01, prices={"input": 0, "output": 20}, concurrency=1)
        out, told, end = run(asked, prompts(30))
    # 50 tokens cost 0.001; what may cost 0.002 is not made once 0.009 are spent.
    assert len(out) == 9 and end.startswith("generator.model.budget_money=0.01 would be passed by 0.001: raise it")
    assert told.lines[-1] == "9 of 30 prompts were answered; 162 tokens in and 450 out, 0.009 in money."


@pytest.mark.parametrize(
    "act, cost",
    [(status(500), 0), (stall, 118), (drop, 118), (raw(b"{", length=9), 118), (raw(b"<html>"), 118), (answer(""), 15)],
)
def test_a_lost_answer_counts_as_the_worst_it_may_have_cost(act, cost):
    with serving({"document 0": [act]}) as server:
        asked = model(server.url, max_tokens=100, timeout_s=0.3)
        run(asked, prompts(1))
    assert asked.budget.spent.read + asked.budget.spent.written == cost + 15


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 503, 307])
@pytest.mark.parametrize("echo", ["{0}", "bad key:{0}.", "Bearer {0}, again {0}", "cut {1}…", "x" * 150 + " {0}"])
def test_the_key_is_never_said(code, echo):
    words = echo.format(KEY, KEY[3:17])
    act = status(code, words, Location=f"https://elsewhere.invalid/?key={KEY}")
    with serving({f"document {i}": [act] * 9 for i in range(3)}) as server:
        asked = model(server.url, key_from="SOME_KEY", tries=2)
        out, told, end = run(asked, prompts(3))
    heard = [asked.plan(prompts(3)), *told.lines, str(end), *(one.fault for one in out.values())]
    heard += [repr(asked), repr(vars(asked)), asked.identity]
    assert len(server.asked) >= 1 and (told.incidents or end)
    assert all(KEY[at : at + 8] not in text for text in heard for at in range(len(KEY) - 7))


def test_a_redirect_is_not_followed():
    with serving() as there, serving({"document 0": [status(307, Location=there.url + "/chat/completions")]}) as here:
        _, _, end = run(model(here.url, key_from="SOME_KEY"), prompts(1))
        assert "redirects (307)" in end and there.asked == []


def test_what_a_server_says_stays_one_line_without_markup():
    act = status(500, "line\none\r\n\x1b[31m [/bold] " + "é" * 300)
    with serving({"document 0": [act]}) as server:
        _, told, _ = run(model(server.url), prompts(1))
    (line,) = told.incidents
    assert SENTENCE.fullmatch(line) and not set("[]\x1b\r") & set(line) and len(line) < 250


def test_the_proxy_of_the_environment_is_used(monkeypatch):
    with serving() as server:
        monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
        monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
        assert run(model("http://model.invalid/v1"), prompts(2))[0] == good(range(2))
        assert {headers["Host"] for headers in server.headers} == {"model.invalid"}


@pytest.fixture
def heeded():
    """Ctrl-C is, also where a shell started us in the background and had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_ctrl_c_keeps_what_has_come_and_leaves_no_thread():
    def interrupt(handler, body):
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        stall(handler, body)

    out = {}
    with serving({"document 5": [interrupt], "document 6": [stall]}) as server:
        with pytest.raises(KeyboardInterrupt):
            out.update(model(server.url, concurrency=2, timeout_s=60).answers(prompts(20), Voice()))
        assert server.here == 2  # nobody waits for these
        assert not [thread for thread in threading.enumerate() if thread.name == "events"]
    assert out == good(range(5))


@pytest.mark.parametrize("taken", [1, 3, 10])
def test_the_asking_runs_ahead_of_who_keeps_the_answers_by_the_concurrency_at_most(taken):
    with serving() as server:
        coming = model(server.url, concurrency=3).answers(prompts(50), Voice())
        got = dict(next(coming) for _ in range(taken))
        time.sleep(0.1)
        assert len(got) == taken and server.answered.total() == taken - 1 + 3
        coming.close()
        time.sleep(0.05)
        assert server.answered.total() == taken - 1 + 3
        assert not [thread for thread in threading.enumerate() if thread.name == "events"]


def test_identity_is_of_what_decides_an_answer():
    base = model("http://localhost:1/v1")
    same = [{"url": "https://elsewhere/v1"}, {"key_from": "SOME_KEY"}, {"concurrency": 9}, {"budget_tokens": 7}]
    other = [{"model": "x"}, {"temperature": 0}, {"temperature": None}, {"max_tokens": 9}, {"extra": {"top_p": 0.5}}]
    assert all(model(**{"url": "http://localhost:1/v1", **o}).identity == base.identity for o in same)
    assert len({base.identity, *(model("http://localhost:1/v1", **o).identity for o in other)}) == 6


@pytest.mark.parametrize(
    "option, said",
    [
        ({"url": "ftp://host/v1"}, "generator.model.url is no address"),
        ({"url": "localhost:11434"}, "generator.model.url is no address"),
        ({"url": "http://"}, "generator.model.url is no address"),
        ({"url": "http://host:x/v1"}, "generator.model.url is no address"),
        ({"url": "http://ho st/v1"}, "generator.model.url is no address"),
        ({"url": f"http://{'h' * 99}/v1"}, "generator.model.url is no address"),
        ({"url": None}, "generator.model.url is no address"),
        ({"url": f"https://me:{KEY}@host/v1"}, "generator.model.url holds a password"),
        ({"url": f"https://host/v1?key={KEY}"}, "generator.model.url holds a password"),
        ({"model": ""}, "generator.model.model is empty"),
        ({"model": None}, "generator.model.model is empty"),
        ({"key_from": KEY}, "generator.model.key_from is not the name of an environment variable"),
        ({"temperature": -1}, "generator.model.temperature=-1 is not possible"),
        ({"temperature": float("nan")}, "generator.model.temperature=nan is not possible"),
        ({"max_tokens": 0}, "generator.model.max_tokens=0 is not possible"),
        ({"max_tokens_as": "n"}, "generator.model.max_tokens_as=n is not possible"),
        ({"extra": {"max_tokens": 5}}, "generator.model.extra.max_tokens is not possible"),
        ({"extra": 5}, "generator.model.extra=5 is not possible"),
        ({"concurrency": 0}, "generator.model.concurrency=0 is not possible"),
        ({"concurrency": True}, "generator.model.concurrency=True is not possible"),
        ({"requests_per_minute": 0}, "generator.model.requests_per_minute=0 is not possible"),
        ({"timeout_s": float("inf")}, "generator.model.timeout_s=inf is not possible"),
        ({"tries": 1.5}, "generator.model.tries=1.5 is not possible"),
        ({"budget_tokens": 0}, "generator.model.budget_tokens=0 is not possible"),
        ({"budget_money": 0, "prices": {"input": 1, "output": 1}}, "generator.model.budget_money=0 is not possible"),
        ({"budget_money": 5}, "generator.model.budget_money needs generator.model.prices"),
        ({"prices": {"input": 1}}, "generator.model.prices are not two"),
        ({"prices": 3}, "generator.model.prices are not two"),
        ({"prices": {"input": 1, "output": None}}, "generator.model.prices.output=None is not possible"),
        ({"characters_per_token": 0}, "generator.model.characters_per_token=0 is not possible"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named_in_one_sentence(option, said):
    with pytest.raises(InputError) as error:
        model(**{"url": "http://localhost:1/v1", **option})
    assert str(error.value).startswith(said) and SENTENCE.fullmatch(str(error.value)) and KEY not in str(error.value)


@pytest.mark.parametrize("value", [None, "", "  ", "two words", "café"])
def test_a_key_that_is_none_is_refused_before_anything_is_asked(monkeypatch, value):
    monkeypatch.setenv("SOME_KEY", value) if value is not None else monkeypatch.delenv("SOME_KEY")
    asked = model("http://localhost:1/v1", key_from="SOME_KEY")
    for attempt in (lambda: asked.plan(prompts(1)), lambda: next(asked.answers(prompts(1), Voice()))):
        with pytest.raises(InputError, match=r"generator\.model\.key_from=SOME_KEY: ") as error:
            attempt()
        assert not value or not value.strip() or value not in str(error.value)


def test_options_may_come_as_hydra_gives_them():
    from omegaconf import OmegaConf

    given = {"extra": {"a": {"b": 1}}, "prices": {"input": 1, "output": 2}}
    asked = model("http://localhost:1/v1", **OmegaConf.create(given))
    assert json.loads(json.dumps(asked.fields))["a"] == {"b": 1} and asked.budget.prices.output == 2
