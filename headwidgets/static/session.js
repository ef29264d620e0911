function i(e,t,...o){let n=document.createElement(e);return t&&(n.className=t),n.append(...o),n}function y(e){let t=[e.kind,e.target];return e.factor!==void 0&&t.push(`× ${Number(e.factor.toPrecision(6))}`),e.kind==="patch"&&t.push(`into ${e.into??"clean"}`),e.at!==null&&e.at!==void 0&&t.push(`at ${[e.at].flat().join(", ")}`),t.join(" ")}var A=200,v=`
.hw-card { border: 1px solid var(--hw-line); border-radius: 6px; padding: 8px 12px; }
.hw-row { display: flex; gap: 4px 12px; flex-wrap: wrap; align-items: baseline; margin: 2px 0; }
.hw-name { font-weight: 600; }
.hw-quiet { color: var(--hw-quiet); }
.hw-label { color: var(--hw-quiet); min-width: 5.5em; }
.hw-tokens { display: flex; flex-wrap: wrap; gap: 2px; flex: 1; min-width: 0; }
.hw-token { font-family: var(--hw-mono); white-space: pre; background: var(--hw-soft);
  border-radius: 3px; padding: 0 3px; max-width: 20em; overflow: hidden; text-overflow: ellipsis; }
.hw-status[data-hw-state="error"] { color: var(--hw-bad); }
.hw-cancel { font: inherit; color: inherit; background: var(--hw-soft); cursor: pointer;
  border: 1px solid var(--hw-line); border-radius: 4px; padding: 0 8px; }
.hw-cancel:focus-visible { outline: 2px solid var(--hw-accent); }
`;function x(e){let{n_layers:t,n_heads:o,numerics:n,name:r}=e.model,s=t===void 0?"":`${t} layers × ${o} heads`,a=e.n_prompts===1?"n = 1":`${e.index+1} of ${e.n_prompts}`;return[i("div","hw-row",i("span","hw-name",String(r??"no model")),i("span","hw-quiet",[s,n].filter(Boolean).join(" · ")),i("span","hw-quiet hw-revision",`revision ${e.revision}`)),g("prompt",M(e.tokens),i("span","hw-quiet",a)),g("head",i("span","hw-selection",e.selection||"none selected")),g("edits",i("span","hw-edits",e.edits.map(y).join("; ")||"none"))]}function S(e){return e.status==="busy"?e.progress>0?`computing, ${Math.round(100*e.progress)} %`:"computing":e.status==="error"?e.message:"ready"}function g(e,...t){return i("div","hw-row",i("span","hw-label",e),...t)}function M(e){let t=e.slice(0,A).map(n=>i("span","hw-token",$(n))),o=e.length-t.length;return i("span","hw-tokens",...t,...o>0?[`and ${o} more`]:[])}function $(e){return e.replace(/^ | $/g,"·").replace(/\n/g,"⏎").replace(/\t/g,"⇥").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,t=>`‹${t.codePointAt(0)?.toString(16)}›`)}function k(e,t,o,n){if(n.aborted)return;let r=0,s=()=>{r||=requestAnimationFrame(()=>{r=0,o()})};for(let a of t)e.on(`change:${a}`,s);n.addEventListener("abort",()=>{cancelAnimationFrame(r);for(let a of t)e.off(`change:${a}`,s)},{once:!0}),o()}var b=class extends Error{constructor(o,n){super(n);this.type=o}type;name="RequestError"},p=class extends Error{name="Cancelled"},h=class{constructor(t,o){this.model=t;this.signal=o;let n=(s,a)=>this.#o(s,a);t.on("msg:custom",n);let r=()=>{t.off("msg:custom",n);for(let{settle:s}of[...this.#e.values()])s(new p("widget closed"))};o.aborted?r():o.addEventListener("abort",r,{once:!0})}model;signal;#e=new Map;#n=Math.random().toString(36).slice(2,10);#r=0;get waiting(){return this.#e.size}request(t,o={},n={}){let{key:r,signal:s}=n;if(this.signal.aborted||s?.aborted)return Promise.reject(new p(`${t} was not asked`));let a=`${this.#n}-${++this.#r}`;for(let d of[...this.#e.values()])r!==void 0&&d.key===r&&d.settle(new p("superseded"));return new Promise((d,f)=>{let u=setTimeout(()=>n.onSilence?.(),400),c=()=>{this.#t({kind:"cancel",id:a}),w(new p(`${t} was cancelled`))},w=m=>{this.#e.delete(a),clearTimeout(u),s?.removeEventListener("abort",c),m instanceof Error?f(m):d(m)};s?.addEventListener("abort",c,{once:!0});let l=()=>clearTimeout(u);this.#e.set(a,{key:r,settle:w,heard:l,onProgress:n.onProgress}),this.#t({kind:"req",id:a,name:t,body:o,...r===void 0?{}:{key:r}})})}#t(t){this.model.send({v:1,...t})}#o(t,o){if(typeof t!="object"||t===null)return;let n=t,r=typeof n.id=="string"?this.#e.get(n.id):void 0;n.v!==1||!r||(r.heard(),n.kind==="progress"&&r.onProgress?.(P(n)),n.kind==="res"&&r.settle(R(n,o)))}};function P(e){return{done:Number(e.done),total:Number(e.total),label:String(e.label??"")}}function R(e,t){if(e.status==="ok")return{body:e.body??{},buffers:t??[]};if(e.status==="cancelled")return new p("cancelled in Python");let o=e.error??{};return new b(o.type??"Error",o.message??"Python gave no reason")}var E=`
  --hw-bg: var(--jp-layout-color1, #181a1f);
  --hw-fg: var(--jp-content-font-color1, #e8e8e8);
  --hw-quiet: var(--jp-content-font-color2, #a9adb5);
  --hw-line: var(--jp-border-color2, #3d424b);
  --hw-soft: var(--jp-layout-color2, #24272e);
  --hw-accent: var(--jp-brand-color1, #64b5f6);
  --hw-bad: var(--jp-error-color1, #ff8a80);`,L=`
  --hw-bg: var(--jp-layout-color1, #fff);
  --hw-fg: var(--jp-content-font-color1, #1b1b1b);
  --hw-quiet: var(--jp-content-font-color2, #5a5f68);
  --hw-line: var(--jp-border-color2, #ddd);
  --hw-soft: var(--jp-layout-color2, #f3f4f6);
  --hw-accent: var(--jp-brand-color1, #0b6bcb);
  --hw-bad: var(--jp-error-color1, #b3261e);`,q=`
.hw-root {${L}
  --hw-mono: var(--jp-code-font-family, ui-monospace, monospace);
  box-sizing: border-box;
  width: 100%;
  color: var(--hw-fg);
  background: var(--hw-bg);
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  container-type: inline-size;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme], .light, .light-theme) body:not([data-jp-theme-light], .light, .light-theme) .hw-root {${E}
  }
}
.dark .hw-root, .dark-theme .hw-root, [data-theme="dark"] .hw-root,
[data-jp-theme-light="false"] .hw-root {${E}
}
@media (prefers-reduced-motion: reduce) { .hw-root * { transition: none !important; } }
`;function j(e){let t=document.createElement("style");return t.textContent=q+e,t}var T=["model","tokens","index","n_prompts","selection","edits","status","message","progress","revision"],G=()=>{let e;function t({model:n,signal:r}){let s=new h(n,r);return e=s,{request:(...a)=>s.request(...a)}}function o({model:n,el:r,signal:s}){let a=i("div","hw-body"),d=i("span","hw-status"),f=i("div","hw-row",d);d.setAttribute("role","status");let u=i("button","hw-cancel","Cancel");u.type="button",u.addEventListener("click",()=>e?.request("cancel").catch(()=>{}),{signal:s});let c=i("section","hw-root hw-card",j(v),a,f);c.setAttribute("aria-label","headwidgets session"),k(n,T,()=>{let l=N(n);a.replaceChildren(...x(l)),d.textContent=S(l),d.dataset.hwState=l.status,f.replaceChildren(d,...l.status==="busy"&&e?[u]:[]),c.dataset.hwRevision=String(l.revision),c.dataset.hwState=l.status},s),r.replaceChildren(c),s.addEventListener("abort",()=>c.remove(),{once:!0})}return{initialize:t,render:o}};function N(e){return Object.fromEntries(T.map(t=>[t,e.get(t)]))}export{G as default};
