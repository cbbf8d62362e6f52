/** A completion as R1 writes it: chain of thought and answer in their tags, or both as plain text. */
export function completionText(thought: string, answer: string, tagged = true): string {
  return tagged ? `<think>${thought}</think>${answerText(answer)}` : `${thought} ${answer}`;
}

/** A completion without chain of thought. */
export function answerText(answer: string, tagged = true): string {
  return tagged ? `<answer>${answer}</answer>` : answer;
}
