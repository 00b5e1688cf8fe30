"""Every command of the window in one table: what it is called, its icon, its keys, its help and when it can be used.

A new command is a row here and a handler in commands.py; the menus, the tooltips, the palette and the list of keys come
from the table. The commands of the mask tools and of the operations on the whole mask come from their registries.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from segstudio.operations import OPERATIONS
from segstudio.tools import TOOLS
from segstudio.ui import theme
from segstudio.ui.bindings import Bindings, combination, shown

Fact = Literal[
    "always",
    "project",
    "writable",
    "trained",
    "sample",
    "panes",
    "verdict",
    "mask",
    "undo",
    "redo",
    "undo-act",
    "redo-act",
    "audit",
    "audited",
    "unfinished",
    "prediction",
    "errors",
    "idle",
    "preview",
    "volumes",
]
"""What must be the case for a command to be usable; the window says which facts hold."""

WANTING: dict[Fact, str] = {
    "project": "open a project first",
    "writable": "the project must be open for writing",
    "trained": "train first: there is no run yet that can predict",
    "sample": "needs a sample on screen",
    "panes": "needs a sample on screen",
    "verdict": "needs a sample that you may judge",
    "mask": "needs a mask that can be changed",
    "undo": "there is nothing to undo",
    "redo": "there is nothing to make again",
    "prediction": "needs a prediction of this sample",
    "errors": "needs predictions: train, then predict",
    "idle": "something is running",
    "preview": "needs a preview of a recipe",
    "undo-act": "no verdict was given and nothing else done that could be undone",
    "redo-act": "nothing was undone that could be done again",
    "audit": "needs an audit: Sample ▸ Accept many",
    "audited": "nothing has been answered yet",
    "unfinished": "no accept was ended in the middle",
    "volumes": "needs a project that was made from volumes",
}
"""Why a command cannot be used, when its fact does not hold."""

_TIP_WIDTH = 72
"""Letters in a line of a tooltip: longer lines cover what they are about."""

Menu = Literal["File", "Edit", "Tools", "Mask", "Errors", "Sample", "View", "Model", "Help"]
MENUS: tuple[Menu, ...] = ("File", "Edit", "Tools", "Mask", "Errors", "Sample", "View", "Model", "Help")


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person can tell the window to do.

    Attributes:
        name: What the program calls it.
        text: What menus call it.
        menu: The menu it stands in.
        help: One sentence for the tooltip and the list of keys.
        icon: File in resources/icons without ".svg", or empty.
        keys: Key sequences as QKeySequence writes them; the first is shown. Letters are positions on keyboards without
            Latin letters, see keyboard.py.
        when: The fact that must hold.
        is_checkable: Whether it is on or off.
        is_held: Whether it lasts as long as the key is down; then it is no menu entry.
        starts_section: Whether a line is drawn above it in the menu.
        short: What small buttons call it; made from `text` when empty.
    """

    name: str
    text: str
    menu: Menu
    help: str
    icon: str = ""
    keys: tuple[str, ...] = ()
    when: Fact = "always"
    is_checkable: bool = False
    is_held: bool = False
    starts_section: bool = False
    short: str = ""


# fmt: off
COMMANDS: tuple[Command, ...] = (
    Command("new-folder", "New from &folder…", "File", "Make a project from a folder of images and masks.",
            "new", ("Ctrl+N",)),
    Command("new-archive", "New from fi&le…", "File", "Make a project from a zip of images and masks, or a volume.",
            "archive", ("Ctrl+Shift+N",)),
    Command("demo", "New &demo project…", "File", "Make projects of generated pictures to try the program with.",
            "demo"),
    Command("open", "&Open…", "File", "Open a project.", "open", ("Ctrl+O",), starts_section=True),
    Command("save", "&Save now", "File", "Save the mask at once; it is saved by itself a second after each stroke.",
            "save", ("Ctrl+S",), "mask", starts_section=True),
    Command("export", "&Export masks…", "File",
            "Copy all masks into a folder, for other programs; ignored regions go into another beside it.",
            "export", ("Ctrl+E",), "project"),
    Command("export-volumes", "Export masks as &volumes…", "File",
            "Put the masks of slices together again as the volumes lay, for 3D Slicer and other programs (NIfTI).",
            "export", (), "volumes"),
    Command("export-predictions", "Export &predictions…", "File",
            "Write what the shown run predicts, at its threshold, as masks; of volumes as volumes.",
            "export", (), "trained"),
    Command("export-dataset", "Export &dataset…", "File",
            "Write images, masks and splits as folders, COCO or YOLO, for other programs.", "export", (), "project"),
    Command("export-report", "Export &report…", "File",
            "Write one page with dataset, runs, figures, curves and pictures, and show it in the browser. Samples that "
            "are selected or filtered are among the pictures.",
            "info", ("Ctrl+Shift+E",), "project"),
    Command("export-model", "Export &model…", "File",
            "Take the champion to other programs: Keras, TensorFlow, LiteRT or ONNX.", "export", (), "project"),
    Command("export-bundle", "Export for another &reader…", "File",
            "Pack masks, verdicts and comments for somebody who has the same images.", "archive", (), "project"),
    Command("import-bundle", "&Import from another reader…", "File",
            "Hold another reader's masks against yours, and settle what differs.", "copy", (), "writable"),
    Command("check", "&Check project", "File", "Verify every file of the project.", "check", (), "project"),
    Command("close", "Close &project", "File", "Save and close the project.", "", ("Ctrl+W",), "project",
            starts_section=True),
    Command("quit", "&Quit", "File", "Save and leave.", "", ("Ctrl+Q",)),
    Command("undo", "&Undo", "Edit", "Undo the last stroke on this sample, or the last change of the recipe.",
            "undo", ("Ctrl+Z",), "undo"),
    Command("redo", "&Redo", "Edit", "Make the stroke again that was undone last.", "redo",
            ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    Command("undo-act", "Undo project &change", "Edit",
            "Undo the last change that was no stroke: a verdict, a change of split, a bulk accept, a deleted run.", "",
            ("Ctrl+Alt+Z",), "undo-act", starts_section=True),
    Command("redo-act", "Redo project c&hange", "Edit",
            "Do the verdict, change of split, bulk accept or deletion again that was undone last.", "",
            ("Ctrl+Alt+Y",), "redo-act"),
    Command("filter", "&Find samples", "Edit", "Write a filter, for example state:todo iou<0.8.", "search",
            ("Ctrl+F",), "project", starts_section=True),
    Command("palette", "&Commands…", "Edit",
            "Search commands, samples, filters, runs, recipes and presets, and go there.", "keys", ("Ctrl+K",)),
    Command("settings", "&Settings…", "Edit", "What holds on this machine for every project: where weights lie.",
            "settings", ("Ctrl+,",), starts_section=True),
    Command("radius-down", "Sma&ller brush", "Tools", "Make brush and eraser smaller; the wheel with Ctrl does it too.",
            "", ("[",), "mask", starts_section=True),
    Command("radius-up", "&Larger brush", "Tools", "Make brush and eraser larger.", "", ("]",), "mask"),
    Command("mode", "Next &mode", "Tools",
            "Add, subtract, keep what is inside: the next of them, for tools that have them.", "", ("Q",), "mask"),
    Command("ignore", "Paint what is &ignored", "Tools",
            "Let all tools mark regions that are neither learnt from nor measured, in place of the mask.", "ignore",
            ("Z",), "mask", is_checkable=True, starts_section=True, short="Ignore"),
    Command("ignore-clear", "Ignore n&othing here", "Tools", "Learn from and measure all of this sample.", "", (),
            "mask"),
    Command("error-next", "&Next error", "Errors",
            "Go to the next error of the listed samples: the largest and farthest from the true boundary come first.",
            "next-error", ("N",), "errors", short="Next"),
    Command("error-previous", "Pre&vious error", "Errors", "Go back to the error before.", "previous-error",
            ("Shift+N",), "errors", short="Back"),
    Command("error-take", "&Take prediction here", "Errors",
            "The prediction is right: take it in the selection, else for the error under the pointer, else for the one "
            "you are at.",
            "prediction", ("Y",), "prediction", starts_section=True, short="Take"),
    Command("error-keep", "&Keep mask here", "Errors",
            "The mask is right: this error, or all in the selection, is settled and not offered again. Once more takes "
            "that back.",
            "mask", ("J",), "prediction", short="Keep"),
    Command("error-fill", "&Fill error", "Errors",
            "The pixels of the error, or those that differ in the selection, are foreground.", "fill", ("I",),
            "prediction", short="Fill"),
    Command("error-erase", "&Erase error", "Errors",
            "The pixels of the error, or those that differ in the selection, are background.", "eraser", ("D",),
            "prediction", short="Erase"),
    Command("error-take-all", "Take whole &prediction", "Errors",
            "The prediction of this sample is right wherever the mask differs: it becomes the mask.", "prediction",
            ("Shift+Y", "Shift+P"), "prediction", starts_section=True),
    Command("error-keep-all", "Keep &whole mask", "Errors",
            "The mask of this sample is right wherever the prediction differs: all its errors are settled.", "",
            ("Shift+J",), "prediction"),
    Command("error-fill-all", "F&ill all errors", "Errors",
            "Whatever mask or prediction calls foreground on this sample is foreground.", "", ("Shift+I",),
            "prediction"),
    Command("error-erase-all", "E&rase all errors", "Errors",
            "Only what mask and prediction both call foreground on this sample is foreground.", "", ("Shift+D",),
            "prediction"),
    Command("select-thing", "Select t&hing here", "Errors",
            "Decide about one whole thing: what mask and prediction together show under the pointer, else at the error "
            "you are at. Ctrl and drag selects any other part.", "", ("Shift+O",), "prediction", starts_section=True),
    Command("select-seen", "Select what is s&een", "Errors",
            "Decide about the part of the image that is seen: zoom and move there first.", "", ("Shift+V",),
            "prediction"),
    Command("select-all", "Select whole i&mage", "Errors", "Decide about all of the image.", "", ("Shift+E",),
            "prediction"),
    Command("deselect", "&Select nothing", "Errors",
            "Forget what was selected: decisions are about single errors again.", "", ("Ctrl+Shift+A",), "prediction"),
    Command("error-go-on", "&Go on after a decision", "Errors",
            "A decision about the error you are at leads to the next one at once.", "", (), "errors",
            is_checkable=True, starts_section=True),
    Command("propose", "&Begin with the prediction", "Errors",
            "A sample without a mask begins with what the prediction shows: correct it, or accept it as it is. Nothing "
            "is stored before; Undo begins with an empty mask.", "", (), "writable", is_checkable=True),
    Command("accept", "&Accept", "Sample", "The mask is right: learn from it.", "accept", ("A",), "verdict"),
    Command("flag", "&Flag", "Sample",
            "Somebody should look at this again; of a selection the comment says where.", "flag", ("F",), "verdict"),
    Command("reject", "&Reject", "Sample", "Leave this sample out of learning.", "reject", ("R",), "verdict"),
    Command("todo", "Back to &todo", "Sample", "Take the verdict back.", "todo", ("T",), "verdict",
            short="Todo"),
    Command("verdict-go-on", "&Go on after a verdict", "Sample",
            "A verdict on one sample leads to the next one of the list without a verdict.", "", (), "writable",
            is_checkable=True),
    Command("audit", "Accept &many…", "Sample",
            "Accept all predictions or masks of a filter, after a few random ones were checked.", "accept",
            ("Ctrl+Alt+A",), "writable", starts_section=True),
    Command("audit-finish", "Finish &interrupted accept", "Sample",
            "Go on with an accept of many that was ended in the middle; undo takes what it has accepted back.", "", (),
            "unfinished"),
    Command("audit-right", "It is right", "Sample", "In an audit: the sample on screen is right.", "",
            ("Shift+A",), "audit", short="Right"),
    Command("audit-wrong", "It is wrong", "Sample", "In an audit: the sample on screen is wrong; it is flagged.", "",
            ("Shift+W",), "audit", short="Wrong"),
    Command("audit-back", "Back in the audit", "Sample", "Take the last answer of the audit back.", "",
            ("Shift+Backspace",), "audited", short="Back"),
    Command("next", "&Next", "Sample", "Go to the next sample of the list.", "next", ("PgDown", "."), "project",
            starts_section=True),
    Command("previous", "&Previous", "Sample", "Go to the previous sample of the list.", "previous",
            ("PgUp", ","), "project"),
    Command("next-undecided", "Next &undecided", "Sample", "Go to the next sample of the list without a verdict.",
            "next-undecided", ("U",), "project", short="Next"),
    Command("next-flagged", "Next f&lagged", "Sample", "Go to the next flagged sample of the list.", "flag",
            ("Shift+F",), "project"),
    Command("comment", "&Comment", "Sample", "Write something about this sample; Escape leads back to the mask.", "",
            ("Ctrl+M",), "verdict"),
    Command("split-train", "Move to t&raining", "Sample",
            "The selected samples are learnt from. Their groups come along; the test split is frozen.", "", (),
            "verdict", starts_section=True),
    Command("split-val", "Move to &validation", "Sample",
            "The selected samples decide which weights are best. Their groups come along; the test split is frozen.",
            "", (), "verdict"),
    Command("error-view", "&Error view", "View", "Show where mask and prediction differ.", "error-view", ("X",),
            "prediction", is_checkable=True),
    Command("weights", "What pixels co&unt", "View",
            "Show over the image what each pixel counts in the next training: corrected ones more, ignored ones "
            "nothing.", "weights", ("Shift+Z",), "panes", is_checkable=True, short="Weights"),
    Command("blink", "Blink", "View", "Hide mask and prediction as long as the key is held.", "blink", ("V",),
            "panes", is_held=True),
    Command("original", "Original", "View",
            "Show the original in every picture of the preview as long as the key is held.",
            "image", ("H",), "preview", is_held=True),
    Command("blink-runs", "Blink predictions", "View",
            "As long as the key is held: the true mask, the prediction, and those of earlier runs, one after the other "
            "at the same place; each press shows the next.", "blink-runs", ("2",), "panes", is_held=True),
    Command("disagreement", "&Disagreement of runs", "View",
            "Show where the runs that have predicted this sample contradict each other.", "disagreement", ("Shift+H",),
            "errors", is_checkable=True),
    Command("swipe", "&Compare with a divider", "View",
            "Two masks of this sample upon each other, with a divider to drag: revisions, predictions of any run.",
            "swipe", ("Shift+C",), "sample", is_checkable=True),
    Command("threshold", "&Threshold…", "View",
            "Try every threshold of the predictions on one slider, and choose the best.", "threshold", ("Shift+T",),
            "errors", is_checkable=True),
    Command("test-figures", "Show test fi&gures", "View",
            "Show how right the predictions on screen are on the test split. That is counted as a look at it: whoever "
            "chooses by these figures makes them too good.", "", (), "errors"),
    Command("fit", "&Fit", "View", "Show the whole image.", "fit", ("0",), "panes", starts_section=True),
    Command("one-to-one", "&1:1", "View", "One pixel of the image on one of the screen.", "one-to-one", ("1",),
            "panes"),
    Command("zoom-in", "Zoom &in", "View", "Closer.", "zoom-in", ("Ctrl++", "+", "="), "panes"),
    Command("zoom-out", "Zoom &out", "View", "Further away.", "zoom-out", ("Ctrl+-", "-"), "panes"),
    Command("pane-image", "&Image", "View", "Show or hide the image.", "image", ("Alt+1",), "panes",
            is_checkable=True, starts_section=True),
    Command("pane-truth", "&True mask", "View", "Show or hide the true mask.", "mask", ("Alt+2",), "panes",
            is_checkable=True),
    Command("pane-prediction", "&Prediction", "View", "Show or hide the prediction.", "prediction", ("Alt+3",),
            "panes", is_checkable=True),
    Command("area-next", "Next area", "View",
            "Give the keys to the next part of the window: the list, the picture, the tabs, what is docked below.", "",
            ("F6",), "project", starts_section=True),
    Command("area-previous", "Previous area", "View", "Give the keys to the part of the window before.", "",
            ("Shift+F6",), "project"),
    Command("jobs", "&Jobs", "View", "Show what runs, what waits and what is done.", "jobs", ("Ctrl+J",),
            is_checkable=True, starts_section=True),
    Command("problems", "Pro&blems", "View", "Show every file that could not be used, with the reason.", "problems",
            ("Ctrl+B",), "project", is_checkable=True),
    Command("lint", "Unusual &masks", "View", "Show masks and predictions whose shape is unusual, the worst first.",
            "search", ("Ctrl+L",), "project", is_checkable=True),
    Command("readers", "A&greement of readers", "View", "Show how far other readers' masks are the same as yours.",
            "copy", ("Ctrl+G",), "project", is_checkable=True),
    Command("full-screen", "F&ull screen", "View", "Fill the screen.", "full-screen", ("F11",), is_checkable=True),
    Command("train", "Start &training", "Model",
            "Learn from all usable masks, with the options of the Train tab.", "train", (), "writable"),
    Command("retrain", "&Retrain", "Model",
            "Learn from all accepted and corrected masks, predict again, show what changed most. No questions asked.",
            "retrain", ("Ctrl+R",), "writable"),
    Command("pause-training", "Pa&use or go on", "Model",
            "Let the training wait before its next step, or go on after that.", "", (), "writable"),
    Command("stop-training", "S&top training, keep best", "Model",
            "End the training; the weights of its best epoch are kept.", "stop", (), "writable"),
    Command("predict-current", "Predict this &sample", "Model",
            "Ask the best run about the selected samples, or the one on screen.", "predict",
            ("Ctrl+P",), "trained", starts_section=True),
    Command("predict-filtered", "Predict the &filtered samples", "Model",
            "Ask the best run about the samples of the list.", "filter", ("Ctrl+Shift+P",), "trained"),
    Command("predict-all", "Predict &all samples", "Model", "Ask the best run about every sample.", "", (), "trained"),
    Command("keys", "&Keys", "Help", "List all keys, by what they are for.", "keys", ("?", "F1")),
    Command("change-keys", "&Change keys…", "Help",
            "Give commands other keys; take yours to another machine or go back to those of the program.", "settings"),
    Command("about", "&About SegStudio", "Help", "Version and licence.", "info"),
)
# fmt: on


def tool_commands() -> tuple[Command, ...]:
    """One command for every tool of the registry; its key is the tool's own."""
    return tuple(
        Command(
            f"tool-{tool.name}",
            tool.title,
            "Tools",
            tool.help,
            tool.name,
            (tool.key.upper(),),
            "mask",
            is_checkable=True,
        )
        for tool in sorted(TOOLS, key=lambda tool: tool.rank)
    )


def operation_commands() -> tuple[Command, ...]:
    """One command for every operation on the whole mask; the text of those that ask for something ends with dots."""
    return tuple(
        Command(
            f"mask-{operation.name}",
            operation.title + ("…" if operation.Options.model_fields else ""),
            "Mask",
            operation.help,
            operation.icon,
            (operation.key,) if operation.key else (),
            "prediction" if operation.needs == "prediction" else "mask",
        )
        for operation in sorted(OPERATIONS, key=lambda operation: operation.rank)
    )


def all_commands() -> tuple[Command, ...]:
    """The whole table, the tools in front of their menu."""
    return (*tool_commands(), *operation_commands(), *COMMANDS)


class Actions(QObject):
    """The table made into QActions.

    Attributes:
        by_name: Every action; `by_name["retrain"].trigger()` does what the menu does.
        commands: The rows they were made from.
        bindings: The keys that they have now.
    """

    def __init__(self, parent: QObject, handlers: Mapping[str, Callable[..., Any]]) -> None:
        """Make them; `handlers` has a callable for each command (checkable ones are called with the new state)."""
        super().__init__(parent)
        self.commands = {command.name: command for command in all_commands()}
        self.bindings = Bindings(self.commands, self)
        self.by_name: dict[str, QAction] = {}
        self._tools = QActionGroup(self)
        for command in self.commands.values():
            self.by_name[command.name] = self._made(command, handlers)
        self._bind()
        self.bindings.changed.connect(self._bind)
        self._dress()
        theme.notifier().changed.connect(self._dress)

    def enable(self, facts: Iterable[Fact]) -> None:
        """Enable what can be used while these facts hold."""
        holding = {"always", *facts}
        for name, command in self.commands.items():
            action = self.by_name[name]
            is_usable = command.when in holding
            if action.isEnabled() != is_usable:
                action.setEnabled(is_usable)
                self._explain(name)

    def check(self, name: str, is_on: bool) -> None:
        """Show a checkable action as on or off without running its handler."""
        action = self.by_name[name]
        was_blocked = action.blockSignals(True)
        action.setChecked(is_on)
        action.blockSignals(was_blocked)
        action.changed.emit()  # buttons and menus learn of it; the handler listens to `triggered` alone

    def rename(self, name: str, text: str) -> None:
        """Call a command otherwise in the menus, where what it does depends on what was done."""
        self.by_name[name].setText(text)

    def held(self) -> dict[Qt.Key, QAction]:
        """For each key that something lasts as long as it is down: the action that is on meanwhile."""
        return {
            combination(key).key(): self.by_name[name]
            for name, command in self.commands.items()
            if command.is_held
            for key in self.bindings.keys(name)
        }

    def shown_keys(self, name: str) -> str:
        """The keys that a command has now, as this desktop writes them."""
        return shown(self.bindings.keys(name), is_held=self.commands[name].is_held)

    def _bind(self) -> None:
        """Give every action its keys, and say them in its tooltip."""
        for name, command in self.commands.items():
            action = self.by_name[name]
            if not command.is_held:
                action.setShortcuts([QKeySequence(key) for key in self.bindings.keys(name)])
            self._explain(name)

    def _explain(self, name: str) -> None:
        """Say what a command is called, its keys, what it does and, while it cannot be used, why."""
        command, action = self.commands[name], self.by_name[name]
        keys = self.shown_keys(name)
        lines = [f"{plain_text(command)}{f'  ({keys})' if keys else ''}", *wrap(command.help, _TIP_WIDTH)]
        if not action.isEnabled() and command.when in WANTING:
            lines.append(f"Not now: {WANTING[command.when]}.")
        action.setToolTip("\n".join(lines))

    def _made(self, command: Command, handlers: Mapping[str, Callable[..., Any]]) -> QAction:
        action = QAction(command.text, self)
        action.setObjectName(command.name)
        action.setCheckable(command.is_checkable or command.is_held)
        if command.short:
            action.setIconText(command.short)
        action.setAutoRepeat(
            command.name
            in ("next", "previous", "error-next", "error-previous", "undo", "redo", "radius-up", "radius-down")
        )
        if command.name.startswith("tool-"):
            self._tools.addAction(action)
        action.setStatusTip("")
        handler = handlers[command.name]
        if command.is_held:
            action.toggled.connect(handler)
        elif command.is_checkable:
            action.triggered.connect(handler)
        else:
            action.triggered.connect(lambda _checked=False, run=handler: run())
        return action

    def _dress(self) -> None:
        for name, command in self.commands.items():
            if command.icon:
                self.by_name[name].setIcon(theme.icon(command.icon))


def plain_text(command: Command) -> str:
    """The text of a command without what menus need."""
    return command.text.replace("&", "").removesuffix("…")
