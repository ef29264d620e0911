"""Letter heads: what the last token does with four options, each of which has a letter.

The categories are those of Lieberum et al. 2023, arXiv 2307.09458, found there by inspection; the
scores are proposals. Letters stand in permuted places, so that a letter and a place differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.ending import ending
from headwidgets.taxonomy.letter_lead import least, lowest, of_right, raised_by
from headwidgets.taxonomy.matched import contrast
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.other_words import SETS, mark, other_words
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.shares import dependence, entropy, shares
from headwidgets.taxonomy.verdict import CANDIDATE, NO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.other_words import Exchanged

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

OPTIONS = "options"
LETTERS = ("A", "B", "C", "D")
CONTENTS = tuple(f"OPTION_{letter}" for letter in LETTERS)
ON_LETTERS = 0.3
"""Attention on the letters that a constant head must have."""
EVEN = 0.8
"""Entropy of its shares, of 1 for four even ones: 0.79 is what three letters alone give."""
FOLLOWS = 0.2
"""Attention on the right letter above the others from which a head is no constant one."""
RAISES = 0.02
"""Share of the right letter's lead that a correct letter head must bring itself."""
ORDERS = 4
"""Prompts that get the same other words, in the places of four letters."""
WRITES = 0.02
"""Length of what a content gatherer writes, as a share of the stream's."""


def constant(measure: Measure) -> Scores:
    """Score even attention on the letters against four other places as far from one another."""
    task = measure.task(OPTIONS)
    looks, right = task.attention(*LETTERS), _right(task)
    rows = _even(looks) * (1 - dependence(looks, right))
    scores = _scores(task, rows, _elsewhere(measure, task))
    on_letters, follows = looks.sum(-1).mean(0), of_right(contrast(looks), right).mean(0)
    spread = entropy(shares(looks)).mean(0)
    contents = _even(task.attention(*CONTENTS)).mean(0)
    for head in scores.reaching(-np.inf):
        if on_letters[head] < ON_LETTERS:
            words = f"the letters get {on_letters[head]:.2f} of its attention"
            scores.remark(head, words, at_most=NO)
        if spread[head] < EVEN:
            words = f"its shares of the letters have {spread[head]:.2f} of the entropy of even ones"
            scores.remark(head, words, at_most=NO)
        if follows[head] >= FOLLOWS:
            words = f"the right letter gets {follows[head]:.2f} more than the others"
            scores.remark(head, words, at_most=NO)
        if contents[head] > scores.mean[head] / 2:
            words = f"what the options say gets as even a look ({contents[head]:.3f})"
            scores.remark(head, words, at_most=NO)
    return scores


def single_letter(measure: Measure) -> Scores:
    """Score attention on one favorite letter against letters permuted over their places."""
    task = measure.task(OPTIONS)
    looks, right = task.attention(*LETTERS), _right(task)
    above = contrast(looks)
    favorite = above.mean(0).argmax(-1)
    rows = np.take_along_axis(above, favorite[None, ..., None], axis=-1)[..., 0]
    scores = _scores(task, rows * (1 - dependence(looks, right)), _renamed(measure, looks))
    by_place = contrast(np.take_along_axis(looks, _order(task), axis=-1)).mean(0)
    for head in scores.reaching(-np.inf):
        place = int(by_place[head].argmax())
        if by_place[head][place] >= scores.mean[head]:
            words = (
                f"it follows the place, not the letter: the option in place {place + 1} gets "
                f"{by_place[head][place]:.2f} more than the others, whichever letter stands there"
            )
            scores.remark(head, words, at_most=NO)
        else:
            scores.remark(head, f"its letter is {LETTERS[favorite[head]]}")
    if scores.reaching(measure.threshold):
        others = other_words(measure, task.asked, LETTERS, prompts=ORDERS)
        found = None if others is None else _favorites(measure, task, others)
        mark(scores, measure.threshold, found)
    return scores


def correct_letter(measure: Measure) -> Scores:
    """Score attention on the right letter against letters drawn at random."""
    task = measure.task(OPTIONS)
    right = _right(task)
    scores = measure.labelled(task, contrast(task.attention(*LETTERS)), right)
    raised = least(of_right(raised_by(task, right), right), right).mean(0)
    alone = np.stack([scores.per_row[right == letter].mean(0) for letter in np.unique(right)])
    for head in scores.reaching(-np.inf):
        letter = int(alone[:, *head].argmin())
        if alone[letter, *head] <= 0:
            name = LETTERS[np.unique(right)[letter]]
            words = f"where {name} is right, {name} gets no more than the others"
            scores.remark(head, f"{words} ({alone[letter, *head]:+.2f})", at_most=NO)
        words = f"brings {raised[head]:+.3f} of the right letter's lead, where it brings the least"
        scores.remark(head, words, at_most=CANDIDATE if raised[head] < RAISES else None)
    return scores


def content_gatherer(measure: Measure) -> Scores:
    """Score attention on what the right option says against options drawn at random."""
    task = measure.task(OPTIONS)
    scores = measure.labelled(task, contrast(task.attention(*CONTENTS)), _right(task))
    if reached := scores.reaching(measure.threshold):
        length = ending(measure, task, task.asked.options[0]).length.mean(0)
        for head in reached:
            words = f"what it writes is {length[head]:.0%} as long as the stream"
            scores.remark(head, words, at_most=CANDIDATE if length[head] < WRITES else None)
    return scores


def correct(measure: Measure) -> Scores:
    """Score what a head adds to the right letter, for the letter with the least."""
    task = measure.task(OPTIONS)
    right = _right(task)
    table = raised_by(task, right)
    random = np.random.default_rng(measure.seed)
    null = np.stack([lowest(table, random.permutation(right)) for _ in range(measure.draws)])
    values = of_right(table, right)
    scores = _scores(task, least(values, right), null)
    for head in scores.reaching(measure.threshold):
        each = [f"{LETTERS[k]} {values[right == k].mean(0)[head]:+.2f}" for k in np.unique(right)]
        scores.remark(head, f"where it is right: {', '.join(each)}")
    return scores


def _scores(task: OnTask, rows: Floats, null: Floats) -> Scores:
    return Scores(rows, null.astype(np.float32), task_accuracy=task.accuracy, words=task.words)


def _right(task: OnTask) -> Ints:
    """Which letter is right in each prompt."""
    pairs = zip(task.asked.options, task.asked.answer, strict=True)
    return np.array([options.index(answer) for options, answer in pairs])


def _order(task: OnTask) -> Ints:
    """Return the letters of each prompt in the order of their places, [prompt, 1, 1, place]."""
    rows = range(len(task.seen))
    starts = [[(task.asked.span(name, row) or (0, 0))[0] for name in LETTERS] for row in rows]
    return np.argsort(starts, axis=1)[:, None, None]


def _even(looks: Floats) -> Floats:
    """Attention on four places, times how evenly it is spread: [..., place] -> [...]."""
    found: Floats = looks.sum(-1) * entropy(shares(looks))
    return found


def _elsewhere(measure: Measure, task: OnTask) -> Floats:
    """Move the four places of each prompt at random, together, none onto a letter.

    How far it depends on the right letter is left out, which only raises it.
    """
    random = np.random.default_rng(measure.seed)
    total = np.zeros((measure.draws, *task.seen[0].attention.shape[:2]), dtype=np.float32)
    for row, seen in enumerate(task.seen):
        places = np.array([(task.asked.span(name, row) or (0, 0))[0] for name in LETTERS])
        first, last = measure.rows.first[0], len(task.asked.rows[row]) - 1
        shifts = [
            shift
            for shift in range(first - places.min(), last - places.max())
            if not set(places + shift) & set(places)
        ]
        if not shifts:
            message = "the prompts have no four other places as far from one another"
            raise NotMeasurable(message)
        moved = np.array([_even(seen.attention[:, :, 0, places + shift]) for shift in shifts])
        total += moved[random.integers(len(shifts), size=measure.draws)]
    total /= len(task.seen)
    return total


def _favorites(measure: Measure, task: OnTask, others: Exchanged) -> Floats:
    """Attention on the favorite of each set of other words above the rest, [set, layer, head]."""
    some = [Look(ids, (len(ids) - 1,)) for ids in others.rows]
    seen = see(measure.engine, some, hooks=measure.hooks)
    looks = []
    for one, row in zip(seen, others.of, strict=True):
        places = [(task.asked.span(name, row) or (0, 0))[0] for name in LETTERS]
        looks.append(one.attention[:, :, 0, places])
    sets = np.stack(looks).reshape(SETS, ORDERS, *looks[0].shape).mean(1)
    found: Floats = contrast(sets).max(-1)
    return found


def _renamed(measure: Measure, looks: Floats) -> Floats:
    """Permute the letters of each prompt; the favorite is chosen again.

    How far it depends on the right letter is left out, which only raises it.
    """
    random = np.random.default_rng(measure.seed)
    letters = np.tile(np.arange(looks.shape[-1]), (measure.draws, 1))
    total = np.zeros((*looks.shape[1:3], *letters.shape), dtype=np.float32)
    for row in looks:
        total += row[..., random.permuted(letters, axis=1)]
    total /= len(looks)
    found: Floats = np.moveaxis(contrast(total).max(-1), -1, 0)
    return found
