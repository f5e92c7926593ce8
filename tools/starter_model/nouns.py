"""The nouns that the model learns, and the drawing of each in the Noto set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """How captions speak of one drawing.

    Args:
        name: the word, or words.
        slug: the drawing's name in the set.
        also: another word for the same, taken for four captions in ten.
        plural: where adding s (or es after x, ch, sh, s) would be wrong.
        countable: whether it takes an article and a plural.
    """

    name: str
    slug: str
    also: str = ""
    plural: str = ""
    countable: bool = True

    def one(self, word: str) -> str:
        """Put the article that it takes before `word`, which is a name of this noun."""
        if not self.countable:
            return word
        return ("an " if word[0].lower() in "aeio" else "a ") + word

    def many(self, word: str) -> str:
        """Give the plural of `word`, which is a name of this noun."""
        if self.plural and word == self.name:
            return self.plural
        if not self.countable:
            return word
        return word + ("es" if word.endswith(("x", "ch", "sh", "s")) else "s")


_SAME_SLUG = (
    "cat, dog, lion, panda, rabbit, penguin, owl, frog, octopus, sunflower, tulip, cactus, "
    "mushroom, watermelon, lemon, banana, pineapple, green apple, carrot, pizza, ice cream, "
    "birthday cake, house, rocket, sailboat, sun, star, balloon, guitar, smiling face with "
    "sunglasses, ghost, robot"
)

_OTHERS = (
    Noun("whale", "spouting-whale"),
    Noun("fish", "fish", plural="fish"),
    Noun("butterfly", "butterfly", plural="butterflies"),
    Noun("tree", "deciduous-tree"),
    Noun("orange", "tangerine", also="tangerine"),
    Noun("red apple", "red-apple", also="apple"),
    Noun("green pear", "pear", also="pear"),
    Noun("strawberry", "strawberry", plural="strawberries"),
    Noun("hamburger", "hamburger", also="burger"),
    Noun("doughnut", "doughnut", also="donut"),
    Noun("red car", "automobile", also="car"),
    Noun("airplane", "airplane", also="plane"),
    Noun("moon", "crescent-moon", also="crescent moon"),
    Noun("soccer ball", "soccer-ball", also="football"),
    Noun("red heart", "red-heart", also="heart"),
    Noun("smiling face", "smiling-face-with-smiling-eyes", also="happy face"),
)

LEARNED = (*(Noun(name, name.replace(" ", "-")) for name in _SAME_SLUG.split(", ")), *_OTHERS)
"""All nouns. More may be added: `train` goes on from the same checkpoint."""

NOUNS = {noun.name: noun.slug for noun in LEARNED}
"""Slug of each noun's drawing, by name."""

FOCUS = tuple(
    noun
    for noun in LEARNED
    if noun.name
    in (
        "red apple, green apple, green pear, cat, dog, pizza, rocket, whale, lemon, banana, "
        "strawberry, orange, watermelon, sun, star, red heart, house, tree, mushroom, balloon, "
        "smiling face, ghost, penguin, sunflower"
    ).split(", ")
)
"""What a short training ends on, so that at least these are drawn well."""
