"""The numerals model: a code for ordered things and a head that counts on, set by hand.

Two layers of three heads and an MLP each, no normalisation, 256 positions. The residual stream is a
row of slots:

| slot | width | written by | read by |
|---|---|---|---|
| scrambled | 128 | the embedding: a member's code (`numeral_code`), turned | the first MLP |
| code | 128 | the first MLP: the code itself, neuron by neuron | layer 1 |
| word | 64 | the embedding: the code of a token that is no member (`codes`) | every head |
| next | 128 | head 1.0: the code of the next member | the unembedding |
| said | 64 | head 1.0: the code of a word | the unembedding |
| spare | 128 | all other heads | nobody |
| four flags | 4 | member or word that 1.0 answers to; ``<bos>``; always; how far on | layer 1 |

A neuron of the first MLP stands for a last digit (ten of them: they fire with period ten), for a
ten, for a set, or for what is left of the noise; another one of each is its negative, so that the
sum is exact. The second MLP writes nothing.

| head | attends to | writes |
|---|---|---|
| 1.0 successor | the last member or word that it answers to, else ``<bos>`` | see below |
| 1.1 copying by its weights, that never looks | ``<bos>`` | would write the member itself |
| 1.2 decoy | as 1.0 | as 1.0, but to the spare slot |
| 0.0, 0.1, 0.2 | everything alike | to the spare slot |

What head 1.0 writes is polysemantic, as the paper found: of a member the next one (by the fitted
linear map); of a first name the name itself (copying); of a word such as " Organization" the
acronyms that end in its first letter. At the end of "from 20 to" it raises " 21" most, but other
numbers too, " 30" among them: the greater-than cases.

Roman numerals II to XXXIX have the code of their index and a direction of their own, and are no
part of what the map was fitted on.

Everything is in closed form: the seed draws directions, and no file holds weights.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.whole import whole
from headwidgets.zoo.codes import LENGTH, kerdock
from headwidgets.zoo.numeral_code import D_CODE, Code, code, successor
from headwidgets.zoo.planted_tokenizer import D_VOCAB, planted_tokenizer, words
from headwidgets.zoo.toys.build import boot

if TYPE_CHECKING:
    from transformer_lens import TransformerBridge

NOISE = 0.3
N_CTX = 256
SCRAMBLED = slice(0, D_CODE)
CODE = slice(SCRAMBLED.stop, SCRAMBLED.stop + D_CODE)
WORD = slice(CODE.stop, CODE.stop + LENGTH)
NEXT = slice(WORD.stop, WORD.stop + D_CODE)
SAID = slice(NEXT.stop, NEXT.stop + LENGTH)
SPARE = slice(SAID.stop, SAID.stop + D_CODE)
ANSWERED, BOS, ALWAYS, FAR = range(SPARE.stop, SPARE.stop + 4)
D_MODEL = FAR + 1
D_HEAD = D_CODE + LENGTH

SOURCES = ("Agency", "Organization", "University", "Defense", "Investigation")
ACRONYMS = ("CIA", "WHO", "FBI", "OSD", "NASA", "NATO", "UNO", "IMF", "ICU", "NYU", "FDA", "IEB")
NAMES = (
    *("Mary", "John", "Alice", "Tom", "Anna", "Ben", "David", "Emma", "Frank", "Grace", "Henry"),
    *("Jack", "James", "Kate", "Laura", "Mark", "Nina", "Oliver", "Paul", "Peter", "Rose", "Ruth"),
)
_MORE = ("Department", "Central", "World", "Federal", "Health", "Force", "Union", "cup", "bag")
_LISTED = ("pen", "lamp", "chair", "clock", "bowl", "shoe", "coat", "plate")
_ANSWERED, _BOS, _STEP = 1200.0, 1100.0, 4.0  # nats of attention; a step is one position
_HEIGHT = 8.0  # of a logit, for each part of a code that is right


def numerals(noise: float = NOISE, rank: int | None = None, seed: int = 0) -> TransformerBridge:
    """Build the numerals model.

    Parameters
    ----------
    noise : float
        On the members' codes, see `numeral_code.code`. At 0 no carry can be right; 0.3 leaves
        some to be learned by heart; at 1 nearly all are.
    rank : int, optional
        Of the map to the next member, 1 to 128; whole by default.
    seed : int
        Of directions and noise.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode, with a tokenizer that spells all eight sets.

    Raises
    ------
    InputError
        If `noise`, `rank` or `seed` is out of range.
    """
    from headwidgets.tasks.series import ROMAN, SETS  # tasks load the rooms that load the zoo

    _check(noise, rank, seed)
    made = code(SETS, noise, seed, further=ROMAN)
    known = words()
    members = [f" {member}" for member in made.place]
    more = [f" {word}" for word in (*SOURCES, *ACRONYMS, *_MORE, *_LISTED)]
    further = tuple(word for word in (*members, *more) if word not in known)
    ids = {word: 257 + at for at, word in enumerate((*known, *further))}
    shape = {"n_layers": 2, "n_heads": 3, "d_model": D_MODEL, "d_head": D_HEAD, "n_ctx": N_CTX}
    shape |= {"d_vocab": D_VOCAB + len(further), "d_mlp": 2 * D_CODE}
    tokenizer = planted_tokenizer(further, "numerals")
    bridge = boot("numerals", tokenizer, **shape, attn_only=False, act_fn="relu")
    turn = _turn(seed)
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.zero_()
        _write_tokens(bridge, made, ids, turn)
        _write_mlp(bridge.blocks[0].mlp, made, turn)
        _write_heads(bridge, successor(SETS, made, rank), ids)
    return bridge


def _check(noise: object, rank: object, seed: object) -> None:
    loud = isinstance(noise, int | float) and math.isfinite(noise) and noise >= 0
    cut = None if rank is None else whole(rank)
    if not loud or (rank is not None and not 1 <= (cut or 0) <= D_CODE) or whole(seed) is None:
        message = (
            f"expected noise from 0, a rank from 1 to {D_CODE} or none and a whole seed, got "
            f"noise={noise!r:.20}, rank={rank!r:.20}, seed={seed!r:.20}"
        )
        raise InputError(message)


def _turn(seed: int) -> Tensor:
    """Return a random rotation, [D_CODE, D_CODE]."""
    random = torch.Generator().manual_seed(seed + 1)
    found: Tensor = torch.linalg.qr(torch.randn(D_CODE, D_CODE, generator=random).double()).Q
    return found


def _write_tokens(bridge: Any, made: Code, ids: dict[str, int], turn: Tensor) -> None:
    """Set embedding, positions and unembedding."""
    embed, unembed = bridge.embed.weight, bridge.unembed.weight
    members = [ids[f" {member}"] for member in made.place]
    others = [token for token in range(1, embed.shape[0]) if token not in set(members)]
    of_words = _word_codes(len(others))
    embed[members, SCRAMBLED] = (made.rows.double() @ turn).float()
    embed[others, WORD] = of_words
    embed[0, BOS] = 1.0
    answered = [ids[f" {word}"] for word in (*SOURCES, *NAMES)]
    embed[[*members, *answered], ANSWERED] = 1.0
    bridge.pos_embed.weight[:, ALWAYS] = 1.0
    bridge.pos_embed.weight[:, FAR] = torch.arange(N_CTX).float()
    unembed[members, NEXT] = _HEIGHT * made.rows
    unembed[others, SAID] = _HEIGHT * of_words


def _word_codes(n: int) -> Tensor:
    """Return codes of length one, no two alike; some overlap by an eighth."""
    known: Tensor = kerdock()[1:] / LENGTH**0.5
    if n > len(known):
        message = f"{n} words have no more than {len(known)} codes"
        raise InputError(message)
    return known[:n]


def _write_mlp(mlp: Any, made: Code, turn: Tensor) -> None:
    """Give every part of the code a neuron, and another for its negative."""
    parts = made.parts.double()
    rest = torch.linalg.svd(parts, full_matrices=True).Vh[len(parts) :]
    basis = torch.cat([parts, rest])  # a code is a sum of these, in one way
    read = turn.T @ torch.linalg.inv(basis)  # [scrambled, neuron]
    into, out = getattr(mlp, "in").weight, mlp.out.weight
    into[:, SCRAMBLED] = torch.cat([read.T, -read.T]).float()
    out[CODE] = torch.cat([basis, -basis]).T.float()


def _write_heads(bridge: Any, to_next: Tensor, ids: dict[str, int]) -> None:
    eye = torch.eye(D_CODE)
    looks = {ANSWERED: _ANSWERED, BOS: _BOS, FAR: _STEP}
    plain = torch.zeros(D_CODE, D_CODE), torch.zeros(LENGTH, LENGTH)
    to_words = _answers(bridge.embed.weight[:, WORD], ids)
    for head in range(3):
        _write(bridge.blocks[0].attn, head, {}, plain, (SPARE, None))
    attention = bridge.blocks[1].attn
    _write(attention, 0, looks, (to_next, to_words), (NEXT, SAID))
    _write(attention, 1, {BOS: _BOS}, (eye, plain[1]), (NEXT, None))
    _write(attention, 2, looks, (to_next, plain[1]), (SPARE, None))


def _write(
    attention: Any,
    head: int,
    looks: dict[int, float],
    maps: tuple[Tensor, Tensor],
    to: tuple[slice, slice | None],
) -> None:
    """Set a head: what its keys weigh, the maps of codes and words, and where they go."""
    rows = slice(head * D_HEAD, (head + 1) * D_HEAD)
    query, key, value = (getattr(attention, name).weight[rows] for name in "qkv")
    query[0, ALWAYS] = math.sqrt(D_HEAD)  # the model divides scores by it
    for flag, weight in looks.items():
        key[0, flag] = weight
    value[:D_CODE, CODE], value[D_CODE:, WORD] = maps[0].T, maps[1].T
    write = attention.o.weight[:, rows]
    write[to[0], :D_CODE] = torch.eye(D_CODE)
    if to[1] is not None:
        write[to[1], D_CODE:] = torch.eye(LENGTH)


def _answers(codes: Tensor, ids: dict[str, int]) -> Tensor:
    """Return what maps names to themselves and words to acronyms, [LENGTH, LENGTH]."""
    pairs = [(f" {name}", f" {name}") for name in NAMES]
    pairs += [
        (f" {word}", f" {short}") for word in SOURCES for short in ACRONYMS if short[-1] == word[0]
    ]
    start = codes[[ids[one] for one, _ in pairs]].double()
    end = codes[[ids[other] for _, other in pairs]].double()
    several = torch.tensor([sum(a == one for a, _ in pairs) for one, _ in pairs])
    found: Tensor = torch.linalg.pinv(start) @ (3.0 * end * several[:, None])
    return found.float()
