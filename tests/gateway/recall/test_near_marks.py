import pytest

from trunkline.gateway.recall.near_marks import Difference, difference, marks_of


def between(one: str, other: str) -> Difference | None:
    """The difference, which must be the same from both sides."""
    found = difference(marks_of(one), marks_of(other))
    assert difference(marks_of(other), marks_of(one)) == found
    return found


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("Convert 5 miles.", "Convert 50 miles.", "number"),
        ("From 5 to 9.", "From 9 to 5.", "number"),
        ("Give me two tips.", "Give me ten tips.", "number"),
        ("Drive at eighty.", "Drive at ninety.", "number"),
        ("Wait for fifteen minutes.", "Wait for sixteen minutes.", "number"),
        ("Is it safe?", "Is it not safe?", "negation"),
        ("Why does it start?", "Why doesn't it start?", "negation"),
        ("Welche Tiere legen Eier?", "Welche Tiere legen keine Eier?", "negation"),
        ('Translate "yes".', 'Translate "no way".', "negation"),
        ('Translate "yes".', 'Translate "perhaps".', "quote"),
        ("Explain `borrow`.", "Explain `lend`.", "quote"),
        ("Run git reset --soft.", "Run git reset --hard.", "code"),
        ("Read user.name.", "Read user.email.", "code"),
        ("Is x == y?", "Is x <= y?", "code"),
        ("Learn C++ fast.", "Learn C fast.", "code"),
        ("The capital of France?", "The capital of Finland?", "name"),
        ("From Paris to Rome?", "From Rome to Paris?", "name"),
        ("Compare Kafka with RabbitMQ.", "Compare Kafka with Pulsar.", "name"),
        ("Convert dollars to euros.", "Convert euros to dollars.", "order"),
        ("Open on friday?", "Open on saturday?", "date"),
        ("How far in kilometres?", "How far in miles?", "unit"),
        ("Sort ascending.", "Sort descending.", "opposite"),
        ("increasing the size", "decreases the size", "opposite"),
    ],
)
def test_texts_that_differ_in_a_mark_are_not_the_same_question(
    one: str, other: str, found: Difference
) -> None:
    assert between(one, other) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I reset my password?", "how can i reset my password"),
        ("What is the capital of France?", "what is the capital of france"),
        ("Don't do it.", "Do not do it."),
        ("1,000 km", "1000 km"),
        ("three tips", "3 tips"),
        ("Define \u201centropy\u201d.", 'Define "entropy".'),
        ("It\u2019s France's flag.", "It's the flag of France."),
        ("In Python, how do I sort a list?", "How do I sort a list in Python?"),
        ("I think I'm ill.", "i think i'm ill"),
        ("What is HTML?", "what is html?"),
        ("\u732b \u306f \u597d\u304d", "\u732b \u306f \u597d\u304d \u3067\u3059"),
        ("", ""),
    ],
)
def test_texts_that_are_said_in_another_way_have_the_same_marks(one: str, other: str) -> None:
    assert between(one, other) is None


def test_an_apostrophe_opens_no_quotation() -> None:
    assert marks_of("It's the dog's bone, isn't it?").quotes == ()
    assert marks_of("Say 'good morning' to him.").quotes == ("good morning",)


def test_a_name_is_seen_by_its_capitals_and_not_at_the_begin_of_a_sentence() -> None:
    assert marks_of("Ask Anna. Then call NASA: GitHub is down.\nStop.").names == {
        "anna",
        "nasa",
        "github",
    }
