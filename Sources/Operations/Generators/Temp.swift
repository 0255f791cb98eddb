public import Generation
public import CaseFormat
extension Operation {
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case { fatalError() }
}
