/// What the page does: copies commands, and opens what a link leads to.
///
/// The page is whole without it.
enum PageScript {
  static let text = Markup(
    """

    document.querySelectorAll('button.copy').forEach(function (button) {
      button.addEventListener('click', function () {
        var code = button.parentNode.querySelector('code');
        function done(word) {
          button.textContent = word;
          setTimeout(function () { button.textContent = 'Copy'; }, 1500);
        }
        function select() {
          var range = document.createRange();
          range.selectNodeContents(code);
          var selection = window.getSelection();
          selection.removeAllRanges();
          selection.addRange(range);
          var copied = false;
          try { copied = document.execCommand('copy'); } catch (error) { copied = false; }
          done(copied ? 'Copied' : 'Selected');
        }
        if (navigator.clipboard && window.isSecureContext) {
          navigator.clipboard.writeText(code.textContent).then(
            function () { done('Copied'); }, select);
        } else {
          select();
        }
      });
    });
    function openTarget() {
      var target = location.hash && document.getElementById(location.hash.slice(1));
      if (target && target.tagName === 'DETAILS') { target.open = true; }
    }
    window.addEventListener('hashchange', openTarget);
    openTarget();

    """)
}
