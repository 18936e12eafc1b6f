import Foundation
import Testing
import Text

@Suite struct JSONWriterTests {
  @Test func linesKeepTheOrderGiven() {
    let line: JSON = [
      "module": 1, "epoch": 2, "split": "train", "loss": .number(1.67 as Float), "top1": 0.382,
      "seconds": 12.1,
      "last": nil, "ok": true, "list": [1, [], [:]],
    ]
    #expect(
      JSONWriter.line(line)
        == #"{"module":1,"epoch":2,"split":"train","loss":1.67,"top1":0.382,"seconds":12.1,"last":null,"ok":true,"#
        + #""list":[1,[],{}]}"#)
  }

  @Test func numbersReadBackAsThemselves() throws {
    let doubles = [0, 0.1, 1.0 / 3, 5e-4, 1e-7, 1e300, .leastNonzeroMagnitude, 123_456_789.123, -2.5, 1e16]
    let text = JSONWriter.line(.array(doubles.map { .number($0) }))
    #expect(try JSONDecoder().decode([Double].self, from: Data(text.utf8)) == doubles)
    let floats: [Float] = [0.1, 1 / 3, 16_777_216, 1e-30, .greatestFiniteMagnitude]
    let floatText = JSONWriter.line(.array(floats.map { .number($0) }))
    #expect(floatText.hasPrefix("[0.1,0.33333334,"))
    #expect(try JSONDecoder().decode([Float].self, from: Data(floatText.utf8)) == floats)
    #expect(
      JSONWriter.line([.integer(.max), .integer(.min)]) == "[9223372036854775807,-9223372036854775808]")
  }

  @Test func whatJSONLacksIsNull() {
    let list: JSON = [
      .number(Double.nan), .number(-Double.infinity), .number(Float.nan), .number(Float.infinity),
    ]
    #expect(JSONWriter.line(list) == "[null,null,null,null]")
    #expect(
      JSONWriter.line([.optional(nil as Int?, JSON.integer), .optional(3, JSON.integer)]) == "[null,3]")
  }

  @Test func stringsAreEscaped() throws {
    #expect(JSONWriter.line("a\"b\\c\n\t\r\u{1}/é🙂") == #""a\"b\\c\n\t\r\u0001/é🙂""#)
    let every = String(String.UnicodeScalarView((0..<0x300).compactMap { UnicodeScalar($0) }))
    let text = JSONWriter.line([.string(every)])
    #expect(try JSONDecoder().decode([String].self, from: Data(text.utf8)) == [every])
    // Two scalars that Unicode calls one character stay two scalars.
    #expect(Array(JSONWriter.line("e\u{301}\r\n").unicodeScalars).count == 2 + 2 + 4)
  }

  @Test func documentsAreIndentedWhereTheyAreLong() {
    let document: JSON = [
      "schema": "strata.plan/1", "sizes": [1, 2, 3],
      "modules": [["index": 1, "name": "conv1"], ["index": 2, "auxiliary": ["macs": 5]]], "none": [:],
      "long": .array((1...40).map { .integer($0 * 1_000_000) }),
    ]
    let long = (1...40).map { "    \($0)000000" }.joined(separator: ",\n")
    #expect(
      JSONWriter.document(document) == """
        {
          "schema": "strata.plan/1",
          "sizes": [1, 2, 3],
          "modules": [
            {"index": 1, "name": "conv1"},
            {
              "index": 2,
              "auxiliary": {"macs": 5}
            }
          ],
          "none": {},
          "long": [
        \(long)
          ]
        }

        """)
  }

  @Test func linesOfDocumentsEndAtColumn100() {
    for length in 60...110 {
      let text = JSONWriter.document(["key": [.string(String(repeating: "x", count: length))], "end": 1])
      let longest = text.split(separator: "\n").map(\.count).max() ?? 0
      #expect(longest <= 100 || text.contains("[\n"))
    }
  }

  @Test func keysAreDistinct() async {
    await #expect(processExitsWith: .failure) { _ = JSONWriter.line(["a": 1, "a": 2]) }
    await #expect(processExitsWith: .failure) { _ = JSONWriter.document(["a": [[1]], "a": 2]) }
  }
}
