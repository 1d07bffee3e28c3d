// Says how old the page is once it is older than it should be. Without it the page says when it was built.
(function () {
  "use strict";
  var root = document.documentElement;
  var note = document.querySelector(".aged");
  var built = Date.parse(root.getAttribute("data-built"));
  var late = 1000 * Number(root.getAttribute("data-late"));
  function look() {
    var age = Date.now() - built;
    // a clock that is behind would call every page young: then that is said
    var wrong = age < -60000;
    var text = note.getAttribute(wrong ? "data-clock" : "data-text");
    note.hidden = !(age > late || wrong);
    note.textContent = text.replace("{minutes}", String(Math.round(Math.abs(age) / 60000)));
  }
  if (note && built && late) {
    look();
    setInterval(look, 15000);
  }
})();
