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
    "cat, dog, fox, lion, tiger, horse, zebra, cow, pig, giraffe, elephant, rabbit, bear, "
    "koala, panda, monkey, unicorn, penguin, duck, owl, flamingo, parrot, frog, turtle, "
    "dragon, dolphin, shark, octopus, crab, snail, rose, sunflower, tulip, palm tree, cactus, "
    "mushroom, watermelon, lemon, banana, pineapple, green apple, peach, avocado, eggplant, "
    "carrot, broccoli, pizza, ice cream, cookie, birthday cake, cupcake, volcano, house, "
    "castle, train, bus, bicycle, sailboat, rocket, sun, star, cloud, rainbow, umbrella, "
    "snowflake, snowman, christmas tree, balloon, basketball, kite, teddy bear, crown, "
    "guitar, light bulb, key, smiling face with sunglasses, skull, ghost, robot"
)

_OTHERS = (
    Noun("sheep", "ewe", plural="sheep"),
    Noun("mouse", "mouse", plural="mice"),
    Noun("chick", "front-facing-baby-chick"),
    Noun("whale", "spouting-whale"),
    Noun("fish", "fish", plural="fish"),
    Noun("tropical fish", "tropical-fish", plural="tropical fish"),
    Noun("butterfly", "butterfly", plural="butterflies"),
    Noun("bee", "honeybee", also="honeybee"),
    Noun("ladybug", "lady-beetle", also="lady beetle", plural="ladybugs"),
    Noun("tree", "deciduous-tree"),
    Noun("maple leaf", "maple-leaf", plural="maple leaves"),
    Noun("grapes", "grapes", countable=False),
    Noun("orange", "tangerine", also="tangerine"),
    Noun("red apple", "red-apple", also="apple"),
    Noun("green pear", "pear", also="pear"),
    Noun("cherries", "cherries", plural="cherries"),
    Noun("strawberry", "strawberry", plural="strawberries"),
    Noun("corn", "ear-of-corn", countable=False),
    Noun("bread", "bread", countable=False),
    Noun("cheese", "cheese-wedge", countable=False),
    Noun("hamburger", "hamburger", also="burger"),
    Noun("doughnut", "doughnut", also="donut"),
    Noun("cup of coffee", "hot-beverage", also="coffee", plural="cups of coffee"),
    Noun("mountain", "snow-capped-mountain"),
    Noun("red car", "automobile", also="car"),
    Noun("airplane", "airplane", also="plane"),
    Noun("moon", "crescent-moon", also="crescent moon"),
    Noun("planet", "ringed-planet"),
    Noun("fire", "fire", also="flame", countable=False),
    Noun("pumpkin", "jack-o-lantern", also="jack-o-lantern"),
    Noun("gift", "wrapped-gift", also="present"),
    Noun("soccer ball", "soccer-ball", also="football"),
    Noun("diamond", "gem-stone"),
    Noun("smiling face", "smiling-face-with-smiling-eyes", also="happy face"),
    Noun("crying face", "crying-face", also="sad face"),
    Noun("alien", "alien", also="alien face"),
    Noun("red heart", "red-heart", also="heart"),
)

LEARNED = (*(Noun(name, name.replace(" ", "-")) for name in _SAME_SLUG.split(", ")), *_OTHERS)
"""All nouns. More may be added: `train` goes on from the same checkpoint."""

NOUNS = {noun.name: noun.slug for noun in LEARNED}
"""Slug of each noun's drawing, by name."""
