"""The nouns that the model learns, or may learn, and the drawing of each in the Noto set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """How captions speak of one drawing.

    Args:
        name: the word, or words.
        slug: the drawing's name in the set.
        also: another word for the same, taken for four captions in ten.
    """

    name: str
    slug: str
    also: str = ""

    def one(self, word: str) -> str:
        """Put the article that it takes before `word`, which is a name of this noun."""
        return ("an " if word[0].lower() in "aeio" else "a ") + word

    def many(self, word: str) -> str:
        """Give the plural of `word`, which is a name of this noun."""
        head, with_what, rest = word.partition(" with ")
        if head == "fish":
            return word
        if head.endswith(("x", "ch", "sh", "s")):
            head += "es"
        elif head.endswith("y") and head[-2] not in "aeiou":
            head = head[:-1] + "ies"
        else:
            head += "s"
        return head + with_what + rest


_SAME_SLUG = (
    "cat, dog, lion, panda, rabbit, penguin, owl, frog, octopus, sunflower, tulip, cactus, "
    "mushroom, watermelon, lemon, banana, pineapple, green apple, carrot, pizza, ice cream, "
    "birthday cake, house, rocket, sailboat, sun, star, balloon, guitar, smiling face with "
    "sunglasses, ghost, robot"
)

_OTHERS = (
    Noun("whale", "spouting-whale"),
    Noun("fish", "fish"),
    Noun("butterfly", "butterfly"),
    Noun("tree", "deciduous-tree"),
    Noun("orange", "tangerine", also="tangerine"),
    Noun("red apple", "red-apple", also="apple"),
    Noun("green pear", "pear", also="pear"),
    Noun("strawberry", "strawberry"),
    Noun("hamburger", "hamburger", also="burger"),
    Noun("doughnut", "doughnut", also="donut"),
    Noun("red car", "automobile", also="car"),
    Noun("airplane", "airplane", also="plane"),
    Noun("moon", "crescent-moon", also="crescent moon"),
    Noun("soccer ball", "soccer-ball", also="football"),
    Noun("red heart", "red-heart", also="heart"),
    Noun("smiling face", "smiling-face-with-smiling-eyes", also="happy face"),
)

VOCABULARY = (*(Noun(name, name.replace(" ", "-")) for name in _SAME_SLUG.split(", ")), *_OTHERS)
"""The nouns whose words are in the tokenizer: what is learned, and what may be learned later."""

LEARNED = tuple(
    noun
    for noun in VOCABULARY
    if noun.name
    in (
        "red apple, green apple, green pear, cat, dog, pizza, rocket, whale, lemon, banana, "
        "strawberry, orange, watermelon, sun, star, red heart, house, tree, mushroom, balloon, "
        "smiling face, ghost, penguin, sunflower"
    ).split(", ")
)
"""The nouns of the captions. More may be added: `train` goes on from the same checkpoint."""
