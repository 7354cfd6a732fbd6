import { renderTextPanelMarkdown, textUtil, type PanelProps } from '@grafana/data';
import { RenderUserContentAsHTML, ScrollContainer } from '@grafana/ui';

interface TextOptions {
  mode: 'markdown' | 'html' | 'code';
  content: string;
}

/** Text of the dashboard, through Grafana's sanitiser. */
export function TextPanel({ options, replaceVariables }: PanelProps<TextOptions>) {
  const content = replaceVariables(options.content, undefined, 'html');
  if (options.mode === 'code') {
    return <pre>{content}</pre>;
  }
  const html = options.mode === 'html' ? textUtil.sanitizeTextPanelContent(content) : renderTextPanelMarkdown(content);
  return (
    <ScrollContainer>
      <RenderUserContentAsHTML className="markdown-html" content={html} component="div" />
    </ScrollContainer>
  );
}
