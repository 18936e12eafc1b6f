import Glibc

/// Whether the tests run under a sanitizer, whose shadow memory and checks make memory and time something else. `make sanitize`
/// says so in the environment.
package enum Sanitizer {
  package static let isOn = getenv("STRATA_SANITIZER") != nil
}
