internal import Diagnostics

/// The codes of warnings, rising: of specs, plans, data, command lines and running processes.
let warningExplanations = [
  CodeExplanation(
    code: "W001", title: "a warm-up without effect",
    text: """
      'warm-up: n' lets the learning rate rise over the first n epochs: from an n-th of it in the first to all of it in the
      n-th. So a warm-up of one epoch changes nothing, and one that takes all epochs leaves none to the cosine, or never
      comes to the whole rate.
      """,
    bad: "training: {epochs: 6, schedule: {kind: cosine, warm-up: 9}}",
    good: "training: {epochs: 60, schedule: {kind: cosine, warm-up: 9}}"),
  CodeExplanation(
    code: "W002", title: "falls of the learning rate that never come",
    text: """
      The learning rate falls behind an epoch, for those that follow. A step of 'every' epochs or a milestone in 'at' that is
      no less than the number of epochs does nothing. What counts are the epochs of a module: 'training.epochs', its own of
      'training.overrides', and those of 'compression' for fine-tuning.
      """,
    bad: "training: {epochs: 6, schedule: {kind: milestones, at: [30, 60], factor: 0.1}}",
    good: "training: {epochs: 90, schedule: {kind: milestones, at: [30, 60], factor: 0.1}}"),
  CodeExplanation(
    code: "W003", title: "a schedule without effect",
    text: """
      The schedule leaves the learning rate as it is: it is multiplied by a factor of 1, falls to a floor of 1, or is a cosine
      over a single epoch, which begins at the whole rate. 'momentum-at-decay: drop' and 'asynchronous.at-decay: clear' do
      nothing where the rate never falls.
      """,
    bad: "training: {epochs: 1, schedule: cosine}",
    good: "training: {epochs: 10, schedule: cosine}"),
  CodeExplanation(
    code: "W004", title: "a batch larger than the training data",
    text: """
      'training.batch' asks for more images than there are to train on. Every step has all of them, and an epoch has one
      step: a smaller batch gives more steps for the same work.
      """,
    bad: "data: {source: digits, limit: {train: 100}}\ntraining: {batch: 128}",
    good: "data: {source: digits, limit: {train: 100}}\ntraining: {batch: 50}"),
  CodeExplanation(
    code: "W005", title: "a plan for more memory than there is",
    text: """
      The plan's peak is more than this machine, its container or a limit of the process leaves for it, or more than any
      machine is likely to have. The plan can be kept for a larger machine; 'strata run' refuses it here with exit code 3.
      """,
    bad: "strata plan net.yaml",
    good: "strata plan net.yaml --budget 90%"),
  CodeExplanation(
    code: "W006", title: "a checkpoint that cannot be used",
    text: """
      A checkpoint in the run's folder is damaged, or is not of this run's plan. The run goes on from an older one, or from
      the beginning, and comes to the same weights.
      """,
    bad: "strata run runs/net-1 --resume",
    good: "strata run net.yaml"),
  CodeExplanation(
    code: "W007", title: "a run that goes on with another arithmetic",
    text: """
      The run was begun with another build of OpenBLAS, or on a processor for which OpenBLAS has other code. Both round
      differently, so that the weights differ in their last bits from those of a run that stays with one.
      """,
    bad: "strata run runs/net-1 --resume",
    good: "strata run net.yaml"),
  CodeExplanation(
    code: "W008", title: "a file beside a run's results that cannot be written",
    text: """
      The page of a run, or the figures of its probes, could not be written into its folder. Weights, metrics and summary are
      there: the command's result stands. The message says what the system refused.
      """,
    bad: "strata probe runs/net-1",
    good: "strata probe runs/net-1"),
  CodeExplanation(
    code: "W009", title: "metrics that end before their summary",
    text: """
      'metrics.jsonl' of a finished run does not end with the figures that its 'summary.json' states: the file was cut off or
      edited. The summary's figures are shown, and curves as far as they go.
      """,
    bad: "strata show runs/net-1",
    good: "strata show runs/net-1"),
  CodeExplanation(
    code: "W010", title: "one folder under two names",
    text: "Two names that 'strata compare' was given lead to the same run. It is counted once.",
    bad: "strata compare runs/net-1 runs/../runs/net-1",
    good: "strata compare runs/net-1 runs/net-2"),
  CodeExplanation(
    code: "W020", title: "images with numbers that no network is made for",
    text: """
      Images of 32-bit floats (`npy`) hold numbers beyond a million in magnitude. Squares of such numbers overflow single
      precision, so that one batch can make running statistics infinite: the run then ends with exit code 1 and names the
      image. Most often an image is damaged, or the array holds something else than images.
      """,
    bad: "strata run net.yaml --data raw-counts",
    good: "strata run net.yaml --data images-between-0-and-1"),
  CodeExplanation(
    code: "W021", title: "a class without images",
    text: """
      No image of the split has the label of a class. 'data.limit' takes the first images of the files: where these are sorted
      by label, whole classes are left out, and the loss tells nothing about them.
      """,
    bad: "strata run net.yaml --set data.limit.train=100",
    good: "strata run net.yaml --set data.limit.train=5000"),
  CodeExplanation(
    code: "W023", title: "image files that were left out",
    text: """
      With 'on-bad-image: skip' files of an image folder that can't be read are left out of the data set, before anything is planned:
      every file is decoded once to find them. The counts of images are those that are left, and the fingerprint covers these.
      """,
    bad: "strata run photos.yaml",
    good: "strata run photos.yaml"),
  CodeExplanation(
    code: "W022", title: "other data than the network was trained on",
    text: """
      A trained network is measured on data whose fingerprint is not the one that the run was made with: files were changed,
      or '--data' names others. The figures are of the data that is there now.
      """,
    bad: "strata evaluate runs/net-1 --data other",
    good: "strata evaluate runs/net-1"),
  CodeExplanation(
    code: "W060", title: "stored weights without their wiring",
    text: """
      The file that 'network.from' names has tensors of the right names and shapes, and does not say where its layers pool,
      which activation they have and how they add up: it was saved by another program. Strata's own files say it in their
      metadata; safetensors.torch.save_file(net.state_dict(), path, metadata=metadata) keeps it (specs/RUNS.md).
      """,
    bad: "strata check net.yaml --set network.from=weights.safetensors",
    good: "strata check net.yaml --set network.from=runs/net-1"),
  CodeExplanation(
    code: "W061", title: "a stored classifier that is not used",
    text: """
      The file that 'network.from' names has tensors of an auxiliary classifier or of the head, and not all of them in the
      shapes of this network's. The classifier starts as 'network.init' says; layers and blocks are taken.
      """,
    bad: "strata check net.yaml --set network.from=weights.safetensors",
    good: "strata check net.yaml --set network.from=runs/net-1"),
]
