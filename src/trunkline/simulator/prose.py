"""Seeded prose: sentences that read as an answer and speak about what was asked."""

import random
import re

from trunkline.simulator.tokens import count_tokens

_OPENERS = (
    "The short answer is that {topic} depends mostly on {noun}.",
    "There are a few things worth knowing about {topic}.",
    "Let me start with what matters most about {topic}: {noun}.",
    "It helps to look at {topic} from the side of {noun} first.",
    "Good question; {topic} is {adjective} once {noun} is clear.",
)
_SENTENCES = (
    "In practice, {noun} tends to be more {adjective} than it first appears.",
    "Most people {verb} {noun} before they have looked closely at {other}.",
    "A {adjective} way to begin is to {verb} {noun} and to note what changes.",
    "When {noun} and {other} disagree, {topic} usually suffers first.",
    "That is why it pays to {verb} {noun} early, while it is still cheap.",
    "For example, a small team can {verb} {noun} in an afternoon and learn a great deal.",
    "None of this is {adjective} in itself, but together it adds up.",
    "The trade-off is between {noun} and {other}, and it rarely goes away.",
    "If you only remember one point, let it be this: {verb} {noun} on purpose.",
    "Over time, {topic} becomes {adjective} as long as {noun} is kept in view.",
    "It is tempting to skip {noun}, yet that is where the surprises come from.",
    "By contrast, {other} can wait until the basics are in place.",
    "You can measure this: compare {noun} before and after, and write down both figures.",
    "Two habits help here: {verb} {noun} often, and keep {other} simple.",
    "This holds for {topic} just as it does for anything with {adjective} parts.",
)
_THOUGHTS = (
    "The question is about {topic}.",
    "I should consider {noun} before {other}.",
    "One reading is that {noun} is {adjective}; another is that {other} decides.",
    "Let me check whether {topic} changes if we {verb} {noun}.",
    "It does not seem to, so the simple explanation stands.",
    "I will explain {noun} first and keep it {adjective}.",
)
_NOUNS = (
    "the starting point",
    "the overall plan",
    "the surrounding context",
    "the amount of detail",
    "the order of steps",
    "the available time",
    "the quality of the data",
    "the cost of a mistake",
    "the people involved",
    "the underlying structure",
    "the history behind it",
    "the expected result",
)
_VERBS = ("review", "measure", "simplify", "question", "describe", "compare", "test", "revisit")
_ADJECTIVES = (
    "useful",
    "subtle",
    "practical",
    "straightforward",
    "important",
    "predictable",
    "robust",
    "complicated",
)
_PARAGRAPH = 4
_NO_TOPIC = frozenset(
    {"about", "could", "describe", "exist", "explain", "please", "should", "their", "there"}
    | {"these", "thing", "things", "those", "using", "where", "which", "would", "write"}
)
_TOPIC_WORD = re.compile(r"[A-Za-z][A-Za-z-]{4,}")
_VERBATIM = re.compile(r"\s*(?:say|repeat)[:\s]\s*(.+)", re.IGNORECASE | re.DOTALL)


def verbatim(question: str) -> str | None:
    """The text that a question beginning with "say" or "repeat" asks to hear, or None.

    It lets a demo or a test decide what the model says.
    """
    match = _VERBATIM.match(question)
    return match[1].strip() if match else None


def write_prose(rng: random.Random, question: str, tokens: int) -> str:
    """Paragraphs about a question, of about as many tokens."""
    topic = _topic(question)
    sentences = [_fill(rng, rng.choice(_OPENERS), topic)]
    written = count_tokens(sentences[0])
    while written < tokens:
        sentence = _fill(rng, rng.choice(_SENTENCES), topic)
        sentences.append(sentence)
        written += count_tokens(sentence)
    paragraphs = [
        " ".join(sentences[start : start + _PARAGRAPH])
        for start in range(0, len(sentences), _PARAGRAPH)
    ]
    return "\n\n".join(paragraphs)


def write_thoughts(rng: random.Random, question: str, tokens: int) -> str:
    """A train of thought about a question, of about as many tokens."""
    topic = _topic(question)
    text = _fill(rng, _THOUGHTS[0], topic)
    written = count_tokens(text)
    while written < tokens:
        thought = " " + _fill(rng, rng.choice(_THOUGHTS), topic)
        text += thought
        written += count_tokens(thought)
    return text


def _topic(question: str) -> str:
    words = {word.lower() for word in _TOPIC_WORD.findall(question[:2000])} - _NO_TOPIC
    longest = sorted(words, key=lambda word: (-len(word), word))
    return " and ".join(longest[:2]) or "this"


def _fill(rng: random.Random, template: str, topic: str) -> str:
    noun, other = rng.sample(_NOUNS, 2)
    filled = template.format(
        topic=topic,
        noun=noun,
        other=other,
        verb=rng.choice(_VERBS),
        adjective=rng.choice(_ADJECTIVES),
    )
    return filled[0].upper() + filled[1:]
