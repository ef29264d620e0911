"""How the bundled model is made: ``python -m headwidgets.zoo.recipe --out DIR``.

| module | what |
|---|---|
| `collect` | the words that the tasks use |
| `vocabulary` | a tokenizer that spells them as one token each, and any other text in pieces |
| `shape` | the model's sizes, and its first weights |
| `begun` | weights of an earlier training to begin with, if there are any |
| `mixture` | how much of each task, how short at first |
| `fillers` | what stands in front of a prompt |
| `examples` | a prompt, its answer and what is learned from it, as one row of tokens |
| `batches` | rows of one chapter of the training, in batches |
| `measure` | accuracy by task, on prompts that training never sees |
| `train` | the loop |
| `store` | what is kept: to go on from, to look back at, to travel with the package |

All chance comes from the seed, the chapter and the step, so that a run that was stopped and goes
on is the run that was not stopped.
"""
