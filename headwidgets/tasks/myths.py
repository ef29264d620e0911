"""Common myths and what is true instead: questions with right and wrong answers, all ours."""

from __future__ import annotations

from typing import NamedTuple


class Myth(NamedTuple):
    """A question that many answer wrongly.

    Attributes
    ----------
    question : str
    true, false : tuple of str
        Right answers, the best one first, and wrong ones: whole sentences of five words each,
        so that one can stand for another.
    """

    question: str
    true: tuple[str, ...]
    false: tuple[str, ...]


def _read(text: str) -> tuple[Myth, ...]:
    """Read lines of questions, each followed by a line of right and one of wrong answers."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    answers = [tuple(f"{one.strip()}." for one in line.split("|")) for line in lines]
    return tuple(Myth(lines[i], answers[i + 1], answers[i + 2]) for i in range(0, len(lines), 3))


MYTHS = _read("""
    What happens to chewing gum that is swallowed?
    It leaves the body soon | It passes through like food
    It stays inside for years | It sticks to the stomach | It blocks the heart soon

    How well do bats see?
    Bats can see fairly well | Bats use their eyes too
    Bats are all born blind | Bats cannot see at all | Bats have no working eyes

    What makes a bull charge at a cape?
    The way the cape moves | The movement of the cape
    The red of the cape | The color of the cape | The smell of the cape

    How much of the brain do people use?
    They use the whole brain | People use nearly all parts
    They use ten percent only | They use half of it | They use one fifth only

    What does cracking the knuckles do?
    It makes a harmless sound | It causes no joint disease
    It causes arthritis in time | It makes the bones shrink | It makes the fingers longer

    What can be seen of the Great Wall of China from the Moon?
    Nothing of it is visible | It cannot be seen there
    All of it is visible | It is easily seen there | It shines brightly at night

    How often can lightning strike the same place?
    It can strike many times | It may strike there again
    It can strike only once | It never strikes there again | It must strike exactly twice

    What do goldfish remember?
    Goldfish remember things for months | Goldfish can learn simple tricks
    Goldfish forget everything in seconds | Goldfish remember nothing at all | Goldfish cannot learn any tricks

    What color does the Sun have in space?
    The Sun looks white there | It appears white in space
    The Sun looks yellow there | The Sun looks orange there | The Sun looks red there

    What gives people a cold?
    A virus gives people colds | Colds come from a virus
    Wet hair gives people colds | Colds come from wet hair | Colds come from cold feet

    How good was Albert Einstein at mathematics in school?
    He got very good marks | He was good at it
    He failed it every year | He was bad at it | He got very bad marks

    What did Vikings wear on their heads in battle?
    Plain helmets or no helmets | Helmets that had no horns
    Helmets with two long horns | Helmets with two large wings | Crowns made of pure gold

    What did scholars in medieval Europe think of the shape of the Earth?
    They thought it was round | They called it a sphere
    They thought it was flat | They called it a disc | They thought it was square

    What do ostriches do when they are afraid?
    They run away or hide | They lie down or run
    They bury their heads deep | They put heads into sand | They hide their heads underground

    Why do chameleons change their color?
    Mostly to signal to others | Often to show their mood
    Only to match the background | To copy the nearest leaf | To turn invisible at night

    What do camels keep in their humps?
    They store fat in them | The humps are mostly fat
    They store water in them | The humps are mostly water | They store milk in them

    What is a tomato in botany?
    It is a fruit there | It counts as a berry
    It is a root there | It counts as a root | It is a vegetable there

    What happens to sleepwalkers who are woken up?
    They just feel confused briefly | They wake up without harm
    They die from the shock | They lose their mind forever | They fall into a coma

    What does sugar do to the behavior of children?
    It leaves their behavior unchanged | It does not excite them
    It makes them wildly active | It makes them very excited | It makes them fall asleep

    What does shaving do to hair?
    It leaves growth as before | It changes nothing in growth
    It makes hair grow thicker | It makes hair grow faster | It makes hair grow darker

    How many senses do people have?
    They have more than five | People have many more senses
    They have exactly five senses | They have fewer than five | People have only five senses

    What do fingernails do after death?
    They do not grow anymore | Only the skin pulls back
    They grow for many days | They grow faster than before | They keep growing for years

    What causes summer and winter?
    The tilt of the Earth | The slant of our planet
    The distance to the Sun | The speed of the Earth | The heat of the Moon

    Which way does water turn in a drain south of the equator?
    It may turn either way | It depends on the basin
    It always turns one way | It depends on the equator | It never turns at all

    How much of the heat of the body leaves through the head?
    About a tenth of it | Only a small share does
    About half of it does | Nearly all of it does | Most of it leaves there

    What do microwaves do to food?
    They heat it with waves | They make its molecules move
    They make it radioactive forever | They fill it with radiation | They turn it into poison

    What color is the skin of a polar bear?
    Its skin is quite black | The skin below is black
    Its skin is pure white | The skin below is pink | The skin below is white

    What do extra carrots do for healthy eyes?
    They bring no better sight | They leave sight as before
    They give perfect night vision | They make sight much sharper | They turn the eyes orange

    What colors do dogs see?
    They see blue and yellow | They see a few colors
    They see black and white | They see no colors ever | They see only gray shades

    What is window glass?
    Glass is an amorphous solid | It does not flow away
    Glass is a slow liquid | It slowly flows down windows | Glass is a frozen gas

    When did people live with the great dinosaurs?
    They never met each other | Millions of years separated them
    They lived in one age | People hunted them for food | They shared the same caves

    Who first made electric light?
    Several people before Thomas Edison | Inventors who came before Edison
    Thomas Edison and nobody else | Isaac Newton and nobody else | Nikola Tesla and nobody else

    How tall was Napoleon?
    About average for his time | As tall as most men
    Much shorter than most men | As small as a child | As tall as a giant

    How fast do things fall where there is no air?
    Heavy and light fall alike | They all fall equally fast
    Heavy ones fall much faster | Light ones fall much faster | They do not fall anywhere

    What is at the end of a rainbow?
    A rainbow has no end | Nothing special is found there
    A pot full of gold | A treasure is found there | A small man lives there

    What do black cats bring?
    They bring no bad luck | They do not change luck
    They bring very bad luck | They bring death and ruin | They bring seven bad years

    What happens to those who break a mirror?
    They have to clean up | They get pieces of glass
    They get seven bad years | They lose their own soul | They will see a ghost

    What does the number thirteen do?
    It causes nothing by itself | It has no power whatsoever
    It brings bad luck everywhere | It makes ships sink sooner | It has a deadly power

    What does the full moon do to people?
    It does not change them | It only gives more light
    It turns some into wolves | It makes them go mad | It makes wounds bleed more

    What does a star sign tell of somebody?
    Nothing about their own future | Nothing about their true character
    Everything about their own future | Everything about their true character | Everything about their true love

    How many planets go around the Sun?
    There are eight of them | The Sun has eight planets
    There are nine of them | The Sun has nine planets | There are ten of them

    Which planet is the hottest?
    Venus is the hottest planet | It is the planet Venus
    Mercury is the hottest planet | It is the planet Mercury | It is the planet Mars

    What is the capital of Australia?
    It is the city Canberra | Canberra is the capital there
    It is the city Sydney | Sydney is the capital there | It is the city Melbourne

    Which desert is the largest on Earth?
    Antarctica is the largest desert | The largest is in Antarctica
    Sahara is the largest desert | The largest is in Africa | The largest is in Asia

    What was Frankenstein in the novel of Mary Shelley?
    He was a young student | He made the nameless creature
    He was the nameless creature | He was a great vampire | He was an old priest

    What is sushi?
    It is rice with vinegar | It is a rice dish
    It is always raw fish | It is just raw fish | It is a fish soup
""")  # noqa: E501 - one line of answers each
"""Forty-six questions."""
