"""The plan of rooms as tables: which room may use which, and what no file may reach.

A room is a folder of a package; the files directly in a package are a room of the package's name.
`<package>.__main__` is a room of its own above all others.
"""

PACKAGES = ("sweepbench", "simulate", "benchmark", "baselines", "moglo")

#: room: the rooms right below it. A room may use these and everything below them, nothing else.
BELOW = {
    "sweepbench.__main__": ("sweepbench",),
    "sweepbench": ("simulate.__main__", "benchmark.__main__"),
    "simulate.__main__": ("simulate.dataset",),
    "simulate.dataset": ("simulate.sweep",),
    "simulate.sweep": ("simulate.spec",),
    "simulate.spec": (
        "simulate.doppler", "simulate.photoacoustic", "simulate.hand", "simulate.specs",
    ),
    "simulate.doppler": ("simulate.bmode",),
    "simulate.bmode": ("simulate.iq",),
    "simulate.iq": ("simulate.probe", "simulate.tissue"),
    "simulate.photoacoustic": ("simulate.probe", "simulate.tissue"),
    "simulate.hand": ("simulate",),
    "simulate.probe": ("simulate",),
    "simulate.tissue": ("simulate.reflectors",),
    "simulate.reflectors": ("simulate.vessels",),
    "simulate.vessels": ("simulate.shapes",),
    "simulate.shapes": ("simulate",),
    "simulate.specs": (),
    "simulate": ("benchmark.machine", "benchmark.beam"),
    "benchmark.__main__": ("benchmark.commands",),
    "benchmark.commands": (
        "benchmark.figures", "benchmark.studies", "benchmark.interop.volumes", "benchmark.hub",
    ),
    "benchmark.figures": (
        "benchmark.vessels", "benchmark.learning", "benchmark.robustness", "benchmark.interop",
    ),
    "benchmark.studies": (
        "benchmark.vessels", "benchmark.learning", "benchmark.robustness", "benchmark.interop",
    ),
    "benchmark.vessels": ("benchmark.runs", "benchmark.leaderboard"),
    "benchmark.learning": ("benchmark.runs", "benchmark.leaderboard"),
    "benchmark.robustness": ("benchmark.runs", "benchmark.leaderboard"),
    "benchmark.interop.volumes": ("benchmark.interop",),
    "benchmark.interop": ("benchmark.interop.tusrec", "benchmark.interop.rf"),
    "benchmark.interop.tusrec": ("benchmark.interop.poses",),
    "benchmark.interop.poses": ("benchmark.runs", "benchmark.leaderboard"),
    "benchmark.interop.cines": ("benchmark",),
    "benchmark.interop.rf": ("benchmark.interop.cines", "benchmark.machine"),
    "benchmark.runs": ("benchmark.scoring", "benchmark.speckle"),
    "benchmark.hub": ("benchmark.leaderboard",),
    "benchmark.leaderboard": ("benchmark.scoring",),
    "benchmark.scoring": ("benchmark.volume", "benchmark.metrics"),
    "benchmark.volume": ("benchmark.machine",),
    "benchmark.metrics": ("benchmark.machine",),
    "benchmark.speckle": ("benchmark.beam",),
    "benchmark.beam": ("benchmark",),
    "benchmark.machine": ("benchmark",),
    "benchmark": ("benchmark.schema", "benchmark.stored"),
    "benchmark.schema": (),
    "benchmark.stored": (),
    "baselines": ("baselines.parts",),
    "baselines.parts": ("benchmark.learning",),
    "moglo.any": ("moglo.long",),
    "moglo.long": ("moglo",),
    "moglo": ("benchmark.learning",),
}  # fmt: skip

#: (user, used): all that files of the first may import by name of the second. Both are a room with
#: its files, or a package with all its rooms; imports within one room are free.
ONLY = {
    ("simulate", "benchmark"): (
        "benchmark.errors", "benchmark.files", "benchmark.geometry", "benchmark.frames",
        "benchmark.sweep", "benchmark.hdf5", "benchmark.dataset", "benchmark.addresses",
        "benchmark.workers", "benchmark.tables", "benchmark.machine",
        "benchmark.beam",
    ),
    ("simulate.spec", "simulate.bmode"): ("simulate.bmode.settings",),
    ("simulate.spec", "simulate.doppler"): ("simulate.doppler.settings",),
    ("simulate.spec", "simulate.photoacoustic"): (
        "simulate.photoacoustic.settings", "simulate.photoacoustic.grid",
    ),
    ("simulate.spec", "simulate.hand"): ("simulate.hand.settings", "simulate.hand.motion"),
    ("simulate.spec", "simulate.probe"): (
        "simulate.probe.settings", "simulate.probe.transducer",
    ),
    ("simulate.spec", "simulate.tissue"): ("simulate.tissue.settings",),
    ("simulate.iq", "simulate.tissue"): ("simulate.tissue.answers",),
    ("simulate.photoacoustic", "simulate.tissue"): ("simulate.tissue.answers",),
    ("baselines", "benchmark"): (
        "benchmark", "benchmark.learning", "benchmark.machine", "benchmark.speckle",
    ),
    ("moglo", "benchmark"): (
        "benchmark", "benchmark.learning", "benchmark.machine", "benchmark.speckle",
    ),
}  # fmt: skip

#: Libraries that a spec needs none of.
ENGINES = ("scipy", "numba", "torch", "lightning", "kwave", "skimage", "monai")

#: user: what none of its files may reach, directly or through others: rooms, modules, libraries.
NEVER = {
    "benchmark.leaderboard": (
        "benchmark.sweep", "benchmark.hdf5", "benchmark.dataset", "benchmark.tracker", "h5py",
    ),
    "benchmark.metrics": (
        "benchmark.sweep", "benchmark.hdf5", "benchmark.files",
        "h5py", "torch", "matplotlib", "plotly", "pandas", "pathlib",
    ),
    "benchmark.scoring.evaluate": (
        "benchmark.tracker", "benchmark.learning", "torch", "lightning",
    ),
    "simulate.spec": ENGINES,
}  # fmt: skip

#: module: all that it may import.
PURE = {"benchmark.geometry": ("collections", "sys", "typing", "numpy")}

#: library: the only module that may import it.
SOLE = {"kwave": "simulate.photoacoustic.kwave"}

#: Libraries that run code from a file they read.
EXECUTABLE = ("pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal")

#: A module of this name is the TOML table of its room: its libraries are numpy and the standard
#: library, and importing it loads no engine.
SETTINGS = "settings"

#: Python files in one folder of the packages, files of tests in one of the tests.
MOST_FILES = 17
