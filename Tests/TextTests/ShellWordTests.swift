import Testing
import Text

@Suite("Words that people are told to type")
struct ShellWordTests {
  @Test(
    "bare where a shell takes them as they are, else in quotes",
    arguments: [
      ("runs/digits-1", "runs/digits-1"), ("training.epochs=1", "training.epochs=1"),
      ("a:b,c+d%e@f", "a:b,c+d%e@f"), ("a run", "'a run'"), ("", "''"), ("it's", #"'it'\''s'"#),
      ("$HOME", "'$HOME'"), ("~/runs", "'~/runs'"), ("=ls", "'=ls'"), ("läufe", "'läufe'"),
      ("a\nb", "'a\nb'"), ("a\u{1B}[1m'\\", #"$'a\033[1m\'\\'"#), ("\u{9B}2", #"$'\302\2332'"#),
    ])
  func words(text: String, word: String) {
    #expect(shellWord(text) == word)
  }
}
