"""What a data set's card and its Croissant metadata say of origin, people, uses and limits.

Keys are those of the Croissant RAI vocabulary 1.0; the card prints the same as a datasheet.
"""

from simulate.spec import Spec

VOCABULARY = "http://mlcommons.org/croissant/RAI/1.0"
#: Titles of the datasheet, by key of the vocabulary.
TITLES = {
    "dataCollection": "Collection",
    "dataCollectionType": "Kind of collection",
    "dataCollectionRawData": "Raw data",
    "dataCollectionMissingData": "Missing data",
    "dataPreprocessingProtocol": "Preprocessing",
    "dataAnnotationProtocol": "Annotation",
    "machineAnnotationTools": "Tools of annotation",
    "dataUseCases": "Uses",
    "dataLimitations": "Limits",
    "dataBiases": "Biases",
    "personalSensitiveInformation": "People",
    "dataSocialImpact": "Impact",
    "dataReleaseMaintenancePlan": "Maintenance",
}


def responsible(spec: Spec, generator: int) -> dict[str, str]:
    """Return a sentence or two by key of the RAI vocabulary, in the order of `TITLES`.

    generator: version of the program that made the data.
    """
    ways = ", ".join(spec.motion.profiles)
    told = {
        "dataCollection": "Computed, not recorded: tissue, probe and hand are drawn at random by "
        f"the spec {spec.name}, and frames are rendered from them.",
        "dataCollectionType": "Simulations",
        "dataCollectionRawData": "None is kept: the spec and its seed give the same bytes again.",
        "dataCollectionMissingData": "Frames that the spec lets a recorder lose are not there, as "
        "their times show; frames that are there have a pose, where poses are not withheld.",
        "dataPreprocessingProtocol": "Frames are grey levels after log compression, as a scanner "
        "shows them; nothing was removed or corrected by hand.",
        "dataAnnotationProtocol": "Poses, landmarks and vessel trees are what the simulator drew, "
        "exact to rounding; nobody annotated anything.",
        "machineAnnotationTools": f"sweepbench, generator {generator}",
        "dataUseCases": "Training, testing and comparison of trackerless freehand ultrasound, "
        "under known motion; not for any clinical decision.",
        "dataLimitations": "Simulated speckle, tissue and motion are plainer than those of people: "
        "a score here says how trackers compare, not what error they would have in a clinic.",
        "dataBiases": f"Tissue is of kind {spec.tissue.kind} and motion of the profiles {ways}; "
        "pathology, age, sex and scanners beyond those of the spec are not represented.",
        "personalSensitiveInformation": "None: no person was recorded, and subjects are random "
        "numbers.",
        "dataSocialImpact": "Spares recordings of people while methods are developed; a method "
        "that is good here alone must not be taken for one that is safe.",
        "dataReleaseMaintenancePlan": "A data set never changes under its hash; a change of the "
        "generator gives a new version, and old results stay readable.",
    }
    return {key: told[key] for key in TITLES}
