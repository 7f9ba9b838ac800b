"""The course of a training: loss, Dice of each class, learning rate."""

import pandas as pd
from matplotlib.figure import Figure

from livedead.pictures.figures import DATA_COLOUR, FULL_MM, log_axis, new_figure


def draw(history: pd.DataFrame, classes: list[str]) -> Figure:
    """Draw three panels over the epochs.

    Parameters
    ----------
    history : DataFrame
        From `livedead.training.fit.Trainer.train`.
    classes : list of str
        Names of the classes, in the order of ``dice_0, dice_1, ...``.
    """
    figure = new_figure(FULL_MM, 58)
    loss, dice, rate = figure.subplots(1, 3)
    loss.plot(history["epoch"], history["loss"], color=DATA_COLOUR)
    loss.set(title="training loss", xlabel="epoch", yscale="log")
    log_axis(loss.yaxis, steps=(1, 2, 5))
    dice.set(title="dice of the validation wells", xlabel="epoch", ylim=(0, 1))
    if history["dice"].isna().all():
        dice.text(0.5, 0.5, "no validation wells", ha="center", transform=dice.transAxes)
    else:
        for k, name in enumerate(classes):
            dice.plot(history["epoch"], history[f"dice_{k}"], label=name, linewidth=1)
        dice.plot(history["epoch"], history["dice"], label="mean but the first", color="black")
        dice.legend()
    rate.plot(history["epoch"], history["learning_rate"], color=DATA_COLOUR)
    rate.set(title="learning rate", xlabel="epoch")
    return figure
