import Terminal
import Testing
import Text

/// What a display under test sees and writes.
private final class Scene {
  var now = 0.0
  var size = (columns: 100, rows: 24)
  var writes: [String] = []
  var terminal = VirtualTerminal()

  func display(_ modules: [String], redraws: Bool = true, coloured: Bool = false) -> ProgressDisplay {
    ProgressDisplay(
      modules: modules, redraws: redraws, style: TextStyle(isColoured: coloured), size: { self.size },
      clock: { self.now },
      write: { text in
        self.writes.append(text)
        self.terminal.feed(text)
      })
  }
}

extension ProgressDisplay {
  fileprivate mutating func step(_ module: Int, epoch: Int = 1, _ step: Int, loss: Double = 1.25) {
    update(
      module: module, epoch: epoch, of: 2, step: step, of: 4, loss: loss, top1: 0.5, imagesPerSecond: 1234.4)
  }

  fileprivate mutating func end(_ module: Int, epoch: Int) {
    finishEpoch(
      module: module, epoch: epoch, of: 2, loss: 0.75, top1: 0.625, testTop1: 0.6, imagesPerSecond: 1234.4,
      seconds: 12.34)
  }
}

@Suite("Progress on a terminal")
struct ProgressDisplayTests {
  @Test("a heading and a line for each module, redrawn in place")
  func redraw() {
    let scene = Scene()
    var display = scene.display(["conv1", "conv2"])
    display.step(1, 1)
    scene.now = 10
    display.step(1, 2)
    #expect(
      scene.terminal.screen == [
        "module    epoch                                     loss    top1    test  images/s     left",
        "conv1       1/2  ━━━━━━━───────────────────────   1.2500   50.0%             1,234     1:00",
        "conv2   waiting  ──────────────────────────────",
      ])
    scene.now = 20
    display.end(1, epoch: 1)
    scene.now = 30
    display.end(1, epoch: 2)
    display.step(2, 1)
    display.finish()
    #expect(scene.terminal.screen.count == 3)
    #expect(
      scene.terminal.screen[1].hasPrefix(
        "conv1       2/2  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   0.7500   62.5%   60.0%"))
    #expect(scene.terminal.screen[1].hasSuffix("done"))
    #expect(scene.terminal.unknownEscapes == [])
  }

  @Test("at most ten frames a second, however often it is updated")
  func throttle() {
    let scene = Scene()
    var display = scene.display(["conv1"])
    for tick in 0..<10_000 {
      scene.now = Double(tick) / 1000
      display.step(1, 1)
    }
    #expect((90...101).contains(scene.writes.count))
  }

  @Test("every write leaves the cursor visible, at the start of the line below")
  func cursor() {
    let scene = Scene()
    var display = scene.display(["conv1", "conv2"], coloured: true)
    for tick in 1...4 {
      scene.now = Double(tick)
      display.step(1, tick)
      #expect(scene.terminal.isCursorVisible)
      #expect(scene.terminal.cursor == (3, 0))
    }
    for write in scene.writes {
      #expect(write.hasPrefix("\u{1B}[?25l"))
      #expect(write.hasSuffix("\u{1B}[?25h"))
    }
  }

  @Test("messages stay above the block")
  func messages() {
    let scene = Scene()
    var display = scene.display(["conv1"])
    display.message("reading the data set")
    #expect(scene.terminal.screen == ["reading the data set"])
    display.step(1, 1)
    display.message("checkpoint written")
    scene.now = 1
    display.step(1, 2)
    let screen = scene.terminal.screen
    #expect(Array(screen.prefix(2)) == ["reading the data set", "checkpoint written"])
    #expect(screen.count == 4)
    #expect(screen[3].hasPrefix("conv1"))
  }

  @Test("after the end the block stays and new text stands below it")
  func finish() {
    let scene = Scene()
    var display = scene.display(["conv1"])
    display.step(1, 1)
    display.finish()
    scene.terminal.feed("done in 3 s\n")
    #expect(scene.terminal.screen.count == 3)
    #expect(scene.terminal.screen[2] == "done in 3 s")
  }

  @Test(
    "no line reaches the last column, however narrow the window", arguments: [10, 20, 30, 40, 60, 80, 200])
  func narrow(columns: Int) {
    let scene = Scene()
    scene.size.columns = columns
    var display = scene.display(["a-module-with-a-very-long-name-indeed", "conv2"], coloured: true)
    display.step(1, 1)
    scene.now = 5
    display.step(2, 2)
    #expect(scene.terminal.widest < columns)
    #expect(scene.terminal.screen.count == 3)
  }

  @Test("no more lines than the window has, the first unfinished module among them")
  func low() {
    let scene = Scene()
    scene.size.rows = 8
    var display = scene.display((1...20).map { "conv\($0)" })
    for module in 1...10 { display.end(module, epoch: 2) }
    scene.now = 1
    display.step(11, 1)
    let screen = scene.terminal.screen
    #expect(screen.count == 7)
    #expect(screen[1].hasPrefix("conv11"))
    #expect(screen[6] == "and 15 more")
    for module in 11...20 { display.end(module, epoch: 2) }
    display.finish()
    #expect(scene.terminal.screen[5].hasPrefix("conv20"))
  }

  @Test("a window that grows or shrinks between frames leaves nothing behind")
  func resize() {
    let scene = Scene()
    var display = scene.display((1...10).map { "conv\($0)" })
    display.step(1, 1)
    scene.size.rows = 6
    scene.now = 1
    display.step(1, 2)
    #expect(scene.terminal.screen.count == 5)
    scene.size.rows = 24
    scene.now = 2
    display.step(1, 3)
    #expect(scene.terminal.screen.count == 11)
  }

  @Test("the time left follows the pace since the start, also of a resumed run")
  func timeLeft() {
    let scene = Scene()
    var display = scene.display(["conv1"])
    display.step(1, epoch: 2, 1)
    scene.now = 6
    display.step(1, epoch: 2, 2)
    #expect(scene.terminal.screen[1].hasSuffix("12.0 s"))
  }

  @Test("an update of a module that does not exist is a bug and traps")
  func wrongModule() async {
    await #expect(processExitsWith: .failure) {
      var display = ProgressDisplay(
        modules: ["conv1"], redraws: true, style: .plain, size: { (80, 24) }, clock: { 0 }, write: { _ in })
      display.finishEpoch(module: 2, epoch: 1, of: 1, loss: 0, top1: 0, imagesPerSecond: 1, seconds: 1)
    }
  }
}

@Suite("Progress in a log")
struct ProgressLogTests {
  @Test("one line for each epoch and module, nothing for steps, no escapes or carriage returns")
  func log() {
    let scene = Scene()
    var display = scene.display(["conv1", "head"], redraws: false)
    display.message("16 MiB read")
    for epoch in 1...2 {
      for step in 1...4 { display.step(1, epoch: epoch, step) }
      display.end(1, epoch: epoch)
    }
    display.finishEpoch(
      module: 2, epoch: 10, of: 10, loss: 0.5, top1: 1, imagesPerSecond: 45.67, seconds: 0.5)
    display.finish()
    #expect(
      scene.writes.joined() == """
        16 MiB read
        conv1  epoch 1/2  loss 0.7500  top1 62.5%  test top1 60.0%  1,234 images/s  12.3 s
        conv1  epoch 2/2  loss 0.7500  top1 62.5%  test top1 60.0%  1,234 images/s  12.3 s
        head   epoch 10/10  loss 0.5000  top1 100.0%  45.7 images/s  0.50 s

        """)
  }
}
