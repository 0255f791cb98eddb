internal import CHarness

/// Calls that come back, with a verdict, from code that crashes or hangs.
public enum GuardedCall {
  /// How a call ended.
  public enum Result: Hashable, Sendable {
    /// The body returned.
    case returned
    /// The body raised a signal, such as "SIGSEGV"; `address` is what it tried to touch, for SIGSEGV
    /// and SIGBUS where the CPU tells.
    case crashed(signal: String, address: UInt?)
    /// The body did not return in time.
    case hung
  }

  /// Calls the body, on this thread, and says how it ended.
  ///
  /// What counts as a crash is SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP or SIGABRT raised by the body
  /// on this thread; a stack overflow is SIGSEGV, a failed precondition of Swift SIGILL or SIGTRAP.
  /// The same signals anywhere else have the effect they had before. A call that lasts longer than
  /// the time-out (at least 1 ms, by the clock on the wall) is ended before twice the time-out, and
  /// what the scheduler delays it; never before the time-out.
  ///
  /// After a crash or a hang the body is left as it stands: the stack is cut back, nothing is released
  /// or unlocked, and the floating-point environment is that of the caller again. So the body should be
  /// little more than the call of a kernel in C. It leaks the scratch memory of the kernel. In Swift,
  /// it must not own references nor be within an access to a class property or a global variable
  /// (take pointers and values out before the call). A kernel that corrupts the heap or is stopped
  /// within `malloc` may leave it locked: subjects that are not trusted so far run in a process of
  /// their own.
  ///
  /// - Precondition: The body itself makes no guarded calls.
  public static func run(timeout: Duration, _ body: () -> Void) -> Result {
    var outcome = qh_outcome()
    guardedCall(nanoseconds(timeout), &outcome, body)
    switch outcome.ending {
    case QH_RETURNED: return .returned
    case QH_HUNG: return .hung
    case QH_CRASHED:
      return .crashed(
        signal: String(cString: qh_signal_name(outcome.signal)),
        address: outcome.has_address ? UInt(outcome.address) : nil)
    case QH_NESTED: preconditionFailure("a guarded call within a guarded call")
    default: fatalError("a guarded call cannot be prepared: errno \(outcome.error)")
    }
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    return UInt64(min(seconds, 1 << 32)) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}

/// The C function that CHarness.h explains: it has Swift's calling convention, so that it can take a
/// closure that does not escape.
@_silgen_name("qh_guarded_call")
private func guardedCall(
  _ timeout: UInt64, _ outcome: UnsafeMutablePointer<qh_outcome>, _ body: () -> Void)

/// The floating-point controls that a kernel must leave as it found them.
///
/// They are rounding, flushing of subnormals, precision and traps; exception flags may change.
public struct FloatingPointEnvironment: Hashable, Sendable {
  /// MXCSR without its flags, or FPCR.
  let control: UInt64
  /// The x87 control word; 0 elsewhere.
  let x87: UInt64

  /// The environment of this thread.
  public static var current: FloatingPointEnvironment {
    let environment = qh_environment_get()
    return FloatingPointEnvironment(control: environment.control, x87: environment.x87)
  }

  /// Makes this the environment of this thread.
  public func restore() { qh_environment_set(qh_environment(control: control, x87: x87)) }

  /// The same environment, but with subnormal numbers flushed to zero: results, and where the CPU
  /// tells them apart operands too.
  public var flushingToZero: FloatingPointEnvironment {
    #if arch(x86_64)
      let bits: UInt64 = 1 << 15 | 1 << 6
    #else
      let bits: UInt64 = 1 << 24
    #endif
    return FloatingPointEnvironment(control: control | bits, x87: x87)
  }

  /// What changed since another environment, such as "rounding mode changed to toward zero,
  /// flush-to-zero turned on", or nil if nothing did.
  public func difference(from earlier: FloatingPointEnvironment) -> String? {
    if self == earlier { return nil }
    #if arch(x86_64)
      let registers: [(layout: Layout, now: UInt64, then: UInt64)] = [
        (.mxcsr, control, earlier.control), (.x87, x87, earlier.x87),
      ]
    #else
      let registers: [(layout: Layout, now: UInt64, then: UInt64)] = [
        (.fpcr, control, earlier.control)
      ]
    #endif
    return registers.flatMap { $0.layout.changes(from: $0.then, to: $0.now) }
      .joined(separator: ", ")
  }
}

extension FloatingPointEnvironment {
  /// What the bits of a control register mean.
  struct Layout {
    /// The field of two or more bits that chooses between named values.
    struct Field {
      let name: String
      let shift: Int
      let values: [String]
      var mask: UInt64 { UInt64(values.count - 1) << UInt64(shift) }

      func value(in register: UInt64) -> String { values[Int((register & mask) >> UInt64(shift))] }
    }

    /// Stands before each change.
    let prefix: String
    let fields: [Field]
    /// The name of each bit that is either on or off; a trap is on where its mask bit is 0.
    let switches: [(bit: Int, name: String, isOnWhenSet: Bool)]

    /// The differences of two values of the register, in words.
    func changes(from then: UInt64, to now: UInt64) -> [String] {
      var changed = then ^ now
      var texts: [String] = []
      for field in fields where changed & field.mask != 0 {
        texts.append("\(prefix)\(field.name) changed to \(field.value(in: now))")
        changed &= ~field.mask
      }
      for (bit, name, isOnWhenSet) in switches where changed >> UInt64(bit) & 1 == 1 {
        let isOn = (now >> UInt64(bit) & 1 == 1) == isOnWhenSet
        texts.append("\(prefix)\(name) turned \(isOn ? "on" : "off")")
        changed &= ~(1 << UInt64(bit))
      }
      if changed != 0 {
        texts.append("\(prefix)control bits 0x\(String(changed, radix: 16)) changed")
      }
      return texts
    }
  }
}

extension FloatingPointEnvironment.Layout {
  /// Intel 64 SDM volume 1, section 10.2.3.
  static let mxcsr = Self(
    prefix: "",
    fields: [
      Field(
        name: "rounding mode", shift: 13,
        values: ["to nearest, ties to even", "toward negative", "toward positive", "toward zero"])
    ],
    switches: [
      (15, "flush-to-zero", true), (6, "denormals-are-zero", true),
      (7, "trap on invalid operation", false), (8, "trap on subnormal input", false),
      (9, "trap on division by zero", false), (10, "trap on overflow", false),
      (11, "trap on underflow", false), (12, "trap on inexact result", false),
    ])

  /// Intel 64 SDM volume 1, section 8.1.5.
  static let x87 = Self(
    prefix: "x87 ",
    fields: [
      Field(
        name: "rounding mode", shift: 10,
        values: ["to nearest, ties to even", "toward negative", "toward positive", "toward zero"]),
      Field(
        name: "precision", shift: 8, values: ["24 bits", "reserved", "53 bits", "64 bits"]),
    ],
    switches: [
      (0, "trap on invalid operation", false), (1, "trap on subnormal input", false),
      (2, "trap on division by zero", false), (3, "trap on overflow", false),
      (4, "trap on underflow", false), (5, "trap on inexact result", false),
    ])

  /// Arm Architecture Reference Manual, FPCR.
  static let fpcr = Self(
    prefix: "",
    fields: [
      Field(
        name: "rounding mode", shift: 22,
        values: ["to nearest, ties to even", "toward positive", "toward negative", "toward zero"])
    ],
    switches: [
      (24, "flush-to-zero", true), (0, "denormals-are-zero", true),
      (19, "flush-to-zero of half precision", true), (25, "default NaN", true),
      (26, "alternative half precision", true),
      (8, "trap on invalid operation", true), (15, "trap on subnormal input", true),
      (9, "trap on division by zero", true), (10, "trap on overflow", true),
      (11, "trap on underflow", true), (12, "trap on inexact result", true),
    ])
}
