internal import Diagnostics

/// The codes of splitting a plan on ranks, rising.
let rankExplanations = [
  CodeExplanation(
    code: "E200", title: "a strategy that does not work on ranks",
    text: """
      '--ranks' splits the modules of parallel training: each batch passes down from rank to rank, and nothing comes back. In
      sequential training one module learns at a time, end-to-end training has a single one, and asynchronous training is a
      simulation in one process.
      """,
    bad: """
      training: {strategy: sequential}        # strata plan net.yaml --ranks 2
      """,
    good: """
      training: {strategy: parallel}          # strata plan net.yaml --ranks 2
      """),
  CodeExplanation(
    code: "E201", title: "ranks whose modules do not learn all the time",
    text: """
      Modules that start apart, or learn for different numbers of epochs, make stages, in each of which other modules learn. A
      rank keeps its modules from the first step to the last, and some would stand idle; such trainings run in one process.
      """,
    bad: """
      training: {strategy: parallel, epochs: 4, start: {every: 1}}    # strata plan net.yaml --ranks 2
      """,
    good: """
      training: {strategy: parallel, epochs: 4}                       # strata plan net.yaml --ranks 2
      """),
  CodeExplanation(
    code: "E202", title: "more ranks than modules",
    text: """
      A rank trains one module or several that follow each other; a module is never split. Modules that are frozen from the
      beginning go with the first one that learns, and do not count.
      """,
    bad: """
      network: {family: vgg, widths: [8, 8, 8, 8]}                    # strata plan net.yaml --ranks 5
      """,
    good: """
      network: {family: vgg, widths: [8, 8, 8, 8]}                    # strata plan net.yaml --ranks 4
      """),
]
