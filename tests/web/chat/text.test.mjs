import assert from "node:assert/strict";
import { test } from "node:test";

import { beginning, candidates, mentioned, pieces } from "../../../relay/static/chat-text.js";

const ANN = { user: "ann", name: "Ann", offset: 5 };
const ANN_LEE = { user: "lee", name: "Ann Lee", offset: 9 };
const ZINA = { user: "zina", name: "Зина", offset: 7 };
const PEOPLE = [ANN, ANN_LEE, ZINA];

const links = (text) => pieces(text).map(({ href }) => href).filter(Boolean);

test("addresses are links, without the sentence around them", () => {
  const cases = {
    "see https://example.org/a?b=c#d": ["https://example.org/a?b=c#d"],
    "(https://example.org/a_(b)), and https://example.org.": ["https://example.org/a_(b)", "https://example.org"],
    "HTTPS://EXAMPLE.org!": ["HTTPS://EXAMPLE.org"],
    "“https://example.org/ü”": ["https://example.org/ü"],
    "http://a http://b": ["http://a", "http://b"],
  };
  for (const [text, found] of Object.entries(cases)) assert.deepEqual(links(text), found, text);
});

test("nothing else is one", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "//example.org", "https://", "http://:80/", "www.example.org", "https:// x", "vbscript:http"])
    assert.deepEqual(links(text), [], text);
});

test("pieces are the text again, whatever it is", () => {
  const texts = [
    "", "@", "@@Ann", "a@Ann.b", "@Ann@Ann Lee @Anna", "https://@Ann", "<b>https://a.b</b>", "\u202e@Ann\u2066",
    "https://a.b/".repeat(50), "@Ann".repeat(200), "👨‍👩‍👧 @Зина, https://пример.рф/я",
  ];
  for (const text of texts) assert.equal(pieces(text, PEOPLE).map((piece) => piece.text).join(""), text);
});

test("who is meant is found by name, the longest first, and not within words", () => {
  assert.deepEqual(mentioned("@Ann Lee and @Зина: @Anna, @Ann!", PEOPLE), ["lee", "zina", "ann"]);
  assert.deepEqual(mentioned("@Ann @Ann", PEOPLE), ["ann"]);
  assert.deepEqual(mentioned("@Anna and @Ann1", PEOPLE), []);
  assert.deepEqual(mentioned("mail me", [{ user: "x", name: "" }]), []);
});

test("a name is being typed behind an @ that begins a word", () => {
  assert.deepEqual(beginning("hello @An", 9), { from: 6, query: "An" });
  assert.deepEqual(beginning("@", 1), { from: 0, query: "" });
  assert.deepEqual(beginning("(@Зи", 4), { from: 1, query: "Зи" });
  assert.equal(beginning("a@b", 3), null);
  assert.equal(beginning("@Ann ", 5), null);
  assert.deepEqual(beginning("@An there", 3), { from: 0, query: "An" });
});

test("who spoke last is offered first, and beginnings before middles", () => {
  assert.deepEqual(candidates("ann", PEOPLE).map(({ user }) => user), ["lee", "ann"]);
  assert.deepEqual(candidates("", PEOPLE).map(({ user }) => user), ["lee", "zina", "ann"]);
  assert.deepEqual(candidates("LEE", PEOPLE).map(({ user }) => user), ["lee"]);
  assert.deepEqual(candidates("зи", PEOPLE).map(({ user }) => user), ["zina"]);
  assert.deepEqual(candidates("q", PEOPLE), []);
});

test("a text of the greatest length comes to an end", () => {
  const people = Array.from({ length: 20 }, (_, index) => ({ user: `u${index}`, name: "@".repeat(index + 1) }));
  for (const text of ["@".repeat(1000), "https://".repeat(125), "https://a" + ")".repeat(990), "(".repeat(1000)])
    assert.equal(pieces(text, people).map((piece) => piece.text).join(""), text);
});
