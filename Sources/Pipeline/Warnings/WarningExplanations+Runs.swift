internal import Diagnostics

/// The codes of warnings about running processes and what is in their folders, rising.
let runWarningExplanations = [
  CodeExplanation(
    code: "W040", title: "more workers than processors",
    text: """
      '--threads', or the plan, asks for more workers than there are processors that this process may use: it may be bound to
      some of them (taskset), or its control group may have a quota of processor time. The workers take turns. The weights
      are the same to the bit; the run is no faster, and takes the memory of every worker.
      """,
    bad: "strata run net.yaml --threads 64",
    good: "strata run net.yaml"),
  CodeExplanation(
    code: "W041", title: "a run's spec that is not the one it was planned from",
    text: """
      'spec.yaml' in the run's folder is a copy for people of the text that 'plan.json' keeps. It was changed or damaged since.
      The plan counts: the run goes on, and is evaluated, as it was begun.
      """,
    bad: "strata run runs/net-1 --resume",
    good: "strata show runs/net-1/plan.json --resolved > runs/net-1/spec.yaml"),
  CodeExplanation(
    code: "W042", title: "damaged lines of metrics",
    text: """
      Lines of 'metrics.jsonl' in the run's folder are not what a run writes. They are left out of tables and curves. The weights
      and the checkpoints do not depend on them.
      """,
    bad: "strata show runs/net-1",
    good: "strata show runs/net-1"),
  CodeExplanation(
    code: "W043", title: "metrics that are lost",
    text: """
      'metrics.jsonl' is missing, or does not begin with the lines that the run had written when it made the checkpoint from which
      it goes on. The checkpoint decides where training goes on; the lines that can still be read stay, the file as it was found
      is kept beside it under the name that the warning says, and the run comes to the same weights.
      """,
    bad: "strata run runs/net-1 --resume",
    good: "strata run runs/net-1 --resume"),
]
