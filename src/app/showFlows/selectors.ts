import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

export type Operator = '=' | '!=' | '=~' | '!~';

/** A label matcher of an expression, its value without quotes. */
export interface Matcher {
  label: string;
  operator: Operator;
  value: string;
}

/** One vector selector of an expression. */
export interface Selector {
  metric: string;
  matchers: Matcher[];
}

/** Maximum number of selectors that are read from an expression. */
const maxSelectors = 50;

/** The vector selectors of a PromQL expression, which may be incomplete. */
export function vectorSelectors(expr: string): Selector[] {
  const found: Selector[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, node }) => {
      if (name === 'VectorSelector' && found.length < maxSelectors) {
        const selector = selectorAt(node, expr);
        if (selector.metric !== '') {
          found.push(selector);
        }
        return false;
      }
      return undefined;
    },
  });
  return found;
}

function selectorAt(node: SyntaxNode, expr: string): Selector {
  let metric = '';
  const matchers: Matcher[] = [];
  const text = ({ from, to }: SyntaxNode) => expr.slice(from, to);
  const cursor = node.cursor();
  do {
    if (cursor.from >= node.to) {
      break;
    }
    const { name, node: at } = cursor;
    if (name === 'Identifier') {
      metric = text(at);
    } else if (name === 'UnquotedLabelMatcher' || name === 'QuotedLabelMatcher') {
      const [label, operator, value] = childrenOf(at).map(text);
      if (label !== undefined && value !== undefined && isOperator(operator)) {
        matchers.push({ label: unquoteString(label), operator, value: unquoteString(value) });
      }
    } else if (name === 'QuotedLabelName' && at.parent?.name === 'LabelMatchers') {
      metric = unquoteString(text(at));
    }
  } while (cursor.next());
  const named = matchers.find(({ label, operator }) => label === '__name__' && operator === '=');
  return {
    metric: metric || (named?.value ?? ''),
    matchers: matchers.filter(({ label }) => label !== '__name__'),
  };
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    children.push(child);
  }
  return children;
}

function isOperator(text: string | undefined): text is Operator {
  return text === '=' || text === '!=' || text === '=~' || text === '!~';
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

/** The value of a string literal; a label name without quotes remains as it is. */
function unquoteString(text: string): string {
  const quote = text.charAt(0);
  if (quote === '`') {
    return text.slice(1, -1);
  }
  if (quote !== '"' && quote !== "'") {
    return text;
  }
  return text.slice(1, -1).replace(/\\(.)/gs, (_, escaped: string) => escapes[escaped] ?? escaped);
}
