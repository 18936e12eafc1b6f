internal import Kernels
internal import Terminal
internal import Text

/// `strata bench` without a spec: every kernel that counts, measured on its own.
enum KernelBench {
  static func run(threads: Int, _ session: Session) throws(CommandFailure) {
    try MemoryNeed.require(forMeasuring: kernelBenchmarkByteCount(workers: threads), workers: threads)
    let workers = try Workers.make(threads)
    if !session.json {
      session.output.writeLine(openBLASDescription())
      session.output.writeLine("\(threads) worker\(threads == 1 ? "" : "s")\n")
    }
    let measurements = benchmarkKernels(workers: workers) { measurement in
      session.diagnostics.rewriteLine("\(measurement.kernel) \(measurement.shape)")
    }
    session.diagnostics.rewriteLine("")
    if session.json {
      session.output.write(JSONWriter.document(document(measurements, threads: threads)))
      return
    }
    var table = Table([
      .left("kernel"), .left("shape"), .right("ms"), .right("GFLOP/s"), .right("of SGEMM"),
      .right("executed"), .right("GB/s"), .right("1 worker takes"),
    ])
    for measurement in measurements {
      table.add([
        measurement.kernel, measurement.shape, fixed(measurement.seconds * 1000, decimals: 3),
        measurement.gigaflopsPerSecond.map { fixed($0, decimals: 0) } ?? "",
        measurement.shareOfProduct.map { percentage($0) } ?? "",
        measurement.executedShare.map { percentage($0) } ?? "",
        fixed(measurement.gigabytesPerSecond, decimals: 1),
        measurement.timesOneWorker.map { fixed($0, decimals: 2) + "x" } ?? "",
      ])
    }
    session.output.write(table.text(session.output.style))
  }

  private static func document(_ measurements: [KernelMeasurement], threads: Int) -> JSON {
    [
      "schema": "strata.kernels/1", "blas": .string(openBLASDescription()), "threads": .integer(threads),
      "kernels": .array(
        measurements.map {
          [
            "kernel": .string($0.kernel), "shape": .string($0.shape), "seconds": .number($0.seconds),
            "gigaflopsPerSecond": .optional($0.gigaflopsPerSecond, JSON.number),
            "shareOfProduct": .optional($0.shareOfProduct, JSON.number),
            "executedShare": .optional($0.executedShare, JSON.number),
            "gigabytesPerSecond": .number($0.gigabytesPerSecond),
            "timesOneWorker": .optional($0.timesOneWorker, JSON.number),
          ]
        }),
    ]
  }
}
