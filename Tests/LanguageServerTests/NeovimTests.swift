import Foundation
import Testing

/// A real editor: Neovim attaches, shows diagnostics and hover, applies a quick fix and completes a key.
@Suite("Neovim")
struct NeovimTests {
  private static let editor: URL? =
    ["/usr/bin/nvim", "/usr/local/bin/nvim"].first { FileManager.default.isExecutableFile(atPath: $0) }
    .map { URL(filePath: $0) }

  private struct Report: Decodable {
    struct Diagnostic: Decodable {
      var line, column: Int
      var message, code: String
    }
    var fault: String?
    var diagnostics: [Diagnostic]?
    var screen, hover, completions, lines, mended: [String]?
  }

  private static let script = """
    local result = {}
    local function wait(what, done)
      if not vim.wait(100000, done, 20) then error('waited in vain for ' .. what) end
    end
    local function screen()
      vim.cmd('redraw')
      local lines = {}
      for row = 1, vim.o.lines do
        local line = ''
        for column = 1, vim.o.columns do line = line .. vim.fn.screenstring(row, column) end
        lines[row] = line
      end
      return lines
    end
    local function work()
      vim.o.columns = 160
      vim.ui.select = function(items, _, choose) choose(items[1], 1) end
      vim.cmd('edit net.yaml')
      local id = vim.lsp.start_client({
        name = 'strata', cmd = { vim.env.STRATA, 'lsp' }, root_dir = vim.fn.getcwd(),
        capabilities = vim.lsp.protocol.make_client_capabilities(),
      })
      vim.lsp.buf_attach_client(0, id)
      wait('diagnostics', function() return #vim.diagnostic.get(0) > 0 end)
      result.diagnostics = vim.tbl_map(function(found)
        return { line = found.lnum, column = found.col, message = found.message, code = found.code or '' }
      end, vim.diagnostic.get(0))
      result.screen = screen()
      -- The cursor is on 'strategy'.
      vim.api.nvim_win_set_cursor(0, { 6, 4 })
      vim.lsp.buf.hover()
      wait('a window with the hover', function() return #vim.api.nvim_list_wins() > 1 end)
      for _, window in ipairs(vim.api.nvim_list_wins()) do
        if window ~= vim.api.nvim_get_current_win() then
          result.hover = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
        end
      end
      vim.api.nvim_win_set_cursor(0, { 7, 3 })
      vim.lsp.buf.code_action()
      wait('the quick fix', function() return vim.api.nvim_buf_get_lines(0, 6, 7, false)[1] == '  epochs: 3' end)
      wait('no more diagnostics', function() return #vim.diagnostic.get(0) == 0 end)
      result.mended = screen()
      vim.api.nvim_buf_set_lines(0, 7, 7, false, { '  bat' })
      local answers = vim.lsp.buf_request_sync(0, 'textDocument/completion', {
        textDocument = vim.lsp.util.make_text_document_params(), position = { line = 7, character = 5 },
      }, 100000)
      local list = answers[id].result
      result.completions = vim.tbl_map(function(item) return item.label end, list.items)
      for _, item in ipairs(list.items) do
        if item.label == 'batch' then vim.lsp.util.apply_text_edits({ item.textEdit }, 0, 'utf-16') end
      end
      result.lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
      vim.lsp.stop_client(id)
      wait('the end of the server', function() return vim.lsp.get_client_by_id(id) == nil end)
    end
    local isDone, fault = pcall(work)
    if not isDone then result.fault = tostring(fault) end
    vim.fn.writefile({ vim.fn.json_encode(result) }, 'result.json')
    vim.cmd('qa!')
    """

  @Test("attaches, shows faults and hover, mends and completes")
  func editing() throws {
    guard let editor = Self.editor else {
      print("skipped: there is no Neovim (on Debian: apt install neovim)")
      return
    }
    let folder = try EditorFolder()
    try folder.write(Self.script, "script.lua")
    try folder.write(
      """
      strata: 1
      name: net
      data: {source: digits}
      network: {family: vgg, widths: [8, 16]}
      training:
        strategy: parallel
        epchs: 3

      """, "net.yaml")
    let process = Process()
    process.executableURL = editor
    process.arguments = ["--headless", "--clean", "-n", "-S", "script.lua"]
    process.environment = EditorClient.environment.merging([
      "STRATA": EditorClient.executable.path, "HOME": folder.url.path, "XDG_CACHE_HOME": folder.url.path,
      "TERM": "xterm", "LC_ALL": "C.UTF-8",
    ]) { $1 }
    process.currentDirectoryURL = folder.url
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let data = try Data(contentsOf: folder.url.appending(path: "result.json"))
    let report = try JSONDecoder().decode(Report.self, from: data)
    #expect(report.fault == nil)
    let diagnostic = try #require(report.diagnostics?.first)
    #expect(report.diagnostics?.count == 1 && diagnostic.line == 6 && diagnostic.column == 2)
    #expect(diagnostic.message.hasPrefix("unknown key 'epchs'") && diagnostic.code == "E021")
    #expect(
      report.screen?.contains { $0.hasPrefix("E   epchs: 3") && $0.contains("unknown key 'epchs'") } == true)
    #expect(report.hover?.contains { $0.contains("training.strategy: parallel") } == true)
    #expect(report.hover?.contains { $0.contains("default: `parallel`") || $0.contains("default:") } == true)
    #expect(report.mended?.contains { $0.contains("  epochs: 3 ") && !$0.contains("unknown") } == true)
    #expect(report.completions?.contains("batch") == true)
    // What is written already is not offered.
    #expect(
      report.completions?.contains("epochs") == false && report.completions?.contains("strategy") == false)
    #expect(report.lines?[7].hasPrefix("  batch: ") == true)
  }
}
